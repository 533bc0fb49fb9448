"""The power is cut at any write to the card: what was acknowledged is there, and the rest goes on.

A hotspot runs on a disk whose writes are recorded, while phones upload and a package is imported.
Then what the disk would be after a cut is made from the record, and started on.
"""

import asyncio
import random
import sys
from bisect import bisect_right
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.faults.checking import Found, Left, look
from tests.faults.recording import Recording, record
from tests.support.disks import copy_image
from tests.support.requirements import needs
from tests.support.write_log import Replay

UNSAFE = [sys.executable, "-m", "tests.faults.unsafe"]
BETWEEN = 40


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    needs("qemu")
    return record(tmp_path_factory.mktemp("recording") / "work")


def replay_of(recording: Recording, folder: Path) -> Replay:
    image = folder / "replayed.img"
    copy_image(recording.base, image)
    return recording.replay(image)


def spread(first: int, last: int, count: int) -> list[int]:
    """Numbers from `first` to `last`, evenly spaced."""
    return [first + (last - first) * n // (count - 1) for n in range(count)]


def times(recording: Recording, replay: Replay) -> list[int]:
    """How many entries there were when phones began, the stick came, it was copied, and listed."""
    ends = [entry.end for entry in replay.entries]
    return [bisect_right(ends, length) for length in recording.lengths]


async def cut_at(
    recording: Recording, replay: Replay, positions: Collection[int]
) -> list[tuple[int, Found]]:
    """What a start finds after a cut at each position.

    A disk may have kept any of the writes since it was last told to keep all: chance decides.
    """
    dice, found = random.Random(0), []
    for position in sorted(set(positions)):
        safe = replay.flushed(position)
        replay.up_to(safe)
        also = [one for one in replay.entries[safe:position] if dice.random() < 0.5]
        due = recording.due(replay, position)
        found.append((position, await look(replay, recording.package, due, also)))
    return found


def broken(found: Collection[tuple[int, Found]]) -> list[tuple[int, list[str]]]:
    return [(position, one.problems) for position, one in found if one.problems]


async def test_a_cut_at_any_time_loses_nothing_that_was_promised(
    recording: Recording, tmp_path: Path
) -> None:
    replay = replay_of(recording, tmp_path)
    began, plugged, copied, listed = times(recording, replay)
    importing = [*spread(plugged, copied, 5), *spread(copied, listed, 7)]
    cuts = [began, *importing, *spread(listed, len(replay.entries), 3)]
    found = await cut_at(recording, replay, cuts)
    assert broken(found) == []
    assert {one.left for _, one in found} == set(Left)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_a_cut_at_each_flush_and_between_loses_nothing_that_was_promised(
    recording: Recording, tmp_path: Path
) -> None:
    replay = replay_of(recording, tmp_path)
    began, *_ = times(recording, replay)
    last = len(replay.entries)
    flushes = [n + 1 for n in range(began, last) if replay.entries[n].flushes]
    between = random.Random(0).sample(range(began, last), BETWEEN)
    found = await cut_at(recording, replay, [*flushes, *between, last])
    assert broken(found) == []
    assert {one.left for _, one in found} == set(Left)


async def test_without_fsync_a_cut_is_seen_to_lose_something(tmp_path: Path) -> None:
    """The replay can find a loss: otherwise the tests above would say nothing."""
    needs("qemu")
    unsafe = await asyncio.to_thread(record, tmp_path / "work", UNSAFE)
    replay = replay_of(unsafe, tmp_path)
    cuts = spread(times(unsafe, replay)[0], len(replay.entries), 4)
    found = await cut_at(unsafe, replay, cuts)
    assert any("lost: typed by a phone" in problem for _, p in broken(found) for problem in p)
