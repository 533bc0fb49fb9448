"""A copied card becomes another hotspot, and keeps what was typed."""

from pathlib import Path

from hotspot.clock import Clock
from hotspot.store.store import HotspotStore


async def opened(path: Path, clock: Clock, machine: str | None, token: str) -> tuple[str, bool]:
    """The hotspot's id after a start on a machine, and whether it may use the token."""
    async with HotspotStore.open(path, clock) as store:
        may_use = await store.bind(machine, token)
        assert may_use == (store.copied is None)
        return store.epoch, may_use


async def test_a_card_in_another_board_is_another_hotspot(path: Path, clock: Clock) -> None:
    first, may_use = await opened(path, clock, "board one", "token")
    assert may_use
    assert await opened(path, clock, "board one", "token") == (first, True)
    assert await opened(path, clock, None, "token") == (first, True)
    copy, may_use = await opened(path, clock, "board two", "token")
    assert copy != first
    assert not may_use
    assert await opened(path, clock, "board two", "token") == (copy, False)
    assert await opened(path, clock, "board two", "its own") == (copy, True)


async def test_two_copies_are_two(path: Path, clock: Clock, tmp_path: Path) -> None:
    await opened(path, clock, "board one", "token")
    twin = tmp_path / "twin.db"
    twin.write_bytes(path.read_bytes())
    assert (await opened(path, clock, "board two", "token"))[0] != (
        await opened(twin, clock, "board three", "token")
    )[0]
