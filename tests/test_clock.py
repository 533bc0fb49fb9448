"""The node's clock: what it takes over from the machine, from others, and from its own past."""

from pathlib import Path

import pytest

from hotspot import clock as clocks
from hotspot.clock import Clock
from hotspot.model import instants
from hotspot.model.timeline import Timeline

FLOOR = instants.to_ms("2026-11-22T10:00:00.000Z")
HOUR = 3_600_000


def after(ms: int) -> str:
    return instants.from_ms(FLOOR + ms)


async def test_the_machines_time_is_taken_once_it_is_known_to_be_right() -> None:
    known: list[int | None] = [None, FLOOR + HOUR, FLOOR + 9 * HOUR]
    clock = Clock(FLOOR, monotonic=lambda: 0, boot_id="boot", believed=lambda: known.pop(0))
    assert not await clock.ask_machine()
    assert (clock.now(), clock.guessing_in) == (after(0), "boot")
    assert await clock.ask_machine()
    assert (clock.now(), clock.guessing_in) == (after(HOUR), None)
    assert not await clock.ask_machine(), "it is not asked again"
    assert clock.now() == after(HOUR)


def test_without_a_mark_of_a_time_service_the_machines_clock_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / "synchronized"
    monkeypatch.setattr(clocks, "SYNCHRONIZED", (mark,))
    assert clocks.believed_ms() is None
    mark.touch()
    assert clocks.believed_ms() is not None


def test_the_time_is_learned_for_the_moment_at_which_it_was_told() -> None:
    clock = Clock(FLOOR, monotonic=lambda: 30_000)
    clock.learn(after(HOUR), mono_ms=10_000)
    assert clock.now() == after(HOUR + 20_000)


def test_a_guess_of_this_boot_is_resumed_and_never_replaces_what_is_known() -> None:
    guessing = Clock(FLOOR, monotonic=lambda: 500)
    guessing.resume(Timeline(FLOOR + HOUR, 0))
    assert (guessing.now(), guessing.trusted) == (after(HOUR + 500), False)
    knowing = Clock(FLOOR, FLOOR, monotonic=lambda: 500)
    knowing.resume(Timeline(FLOOR + HOUR, 0))
    assert knowing.now() == after(0)
