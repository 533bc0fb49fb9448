"""Sticks that are pulled out when they should not be, with the real importer behind them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotspot.box.activity import Board
from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.drives import mountinfo
from hotspot.events import Bus, ImportFinished, SticksChanged, Subscription
from hotspot.importer.importer import Importer
from hotspot.model.activity import Indication
from hotspot.model.catalogue import PackageQuery
from hotspot.package import copying
from hotspot.parts.sticks import Sticks
from hotspot.store.store import HotspotStore
from tests.drives.conftest import UsbPorts
from tests.support.packages import combined_package, text_package
from tests.support.sticks import LoopStick, run

MB = 1024 * 1024
STICKS = 20
PACKAGES = 5
STORM_S = 4.0
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """A hotspot's part that imports from real sticks."""

    store: HotspotStore
    board: Board
    events: Subscription

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits until something is so, which the board or the importer tells of."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not happened():
                    await self.events.next()
        except TimeoutError:
            there = [(one["name"], one["device"]) for one in self.board.sticks()]
            raise AssertionError(f"In the end {self.board.indication}, with {there}.") from None

    async def finished(self, outcome: str) -> str:
        """What is said of the next import that ends so."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = await self.events.next()
                if isinstance(event, ImportFinished) and event.outcome == outcome:
                    return event.sentence


@asynccontextmanager
async def running(usb: UsbPorts, folder: Path) -> AsyncIterator[Run]:
    bus, config, clock = Bus(), Config(data_dir=folder), Clock(0)
    async with HotspotStore.open(config.database, clock) as store:
        importer, board = Importer(config, store, clock, bus), Board(bus, lambda: False)
        await importer.prepare()
        task = asyncio.create_task(Sticks(usb.source(), importer, board).run())
        with bus.listen(ImportFinished, SticksChanged) as events:
            yield Run(store, board, events)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])


async def test_an_import_goes_on_when_a_stick_that_was_pulled_out_is_back(
    usb: UsbPorts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "RETRIES_S", (0.001,))
    package = await asyncio.to_thread(combined_package, tmp_path / "made", size=12 * MB)
    files = {"jonah.bible": package.read_bytes()}
    stick = LoopStick(tmp_path / "one", files, "ONE", size=48 * MB)
    usb.sticks["one"] = stick
    (tmp_path / "data").mkdir()
    stick.plug()
    await asyncio.to_thread(run, "udevadm", "settle")  # udev reads a device's end to know it
    stick.cut(20 * MB)
    async with running(usb, tmp_path / "data") as hotspot:
        assert "goes on where it stopped" in await hotspot.finished("interrupted")
        await hotspot.until(lambda: hotspot.board.indication is Indication.FAILED)
        await usb.pull("one")
        assert "was pulled out before it was done" in await hotspot.finished("interrupted")
        assert hotspot.board.sticks() == []
        assert hotspot.board.indication is Indication.FAILED
        (part,) = (tmp_path / "data" / "incoming").glob("*.part")
        assert part.stat().st_size > 5 * MB
        stick.mend()
        await usb.put(stick)
        await hotspot.finished("new")
        await hotspot.until(lambda: hotspot.board.indication is Indication.SAFE_TO_REMOVE)
        await usb.pull("one")
        await hotspot.until(lambda: hotspot.board.indication is Indication.IDLE)


@pytest.fixture
def hub(usb: UsbPorts, tmp_path: Path) -> UsbPorts:
    """Twenty sticks, with one of five packages each."""
    made = [text_package(tmp_path / "made", f"text{n}").read_bytes() for n in range(PACKAGES)]
    for n in range(STICKS):
        name, files = f"S{n}", {f"{n}.bible": made[n % PACKAGES]}
        usb.sticks[name] = LoopStick(tmp_path / name, files, name, table=n % 3 > 0, size=2 * MB)
    return usb


async def test_a_hub_full_of_sticks_in_and_out_at_random_leaves_nothing_behind(
    hub: UsbPorts, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    chance, deadline = random.Random(20), time.monotonic() + STORM_S

    async def in_and_out(name: str, chance: random.Random) -> None:
        while time.monotonic() < deadline:
            await hub.put(hub.sticks[name])
            await asyncio.sleep(chance.uniform(0, 0.4))
            await hub.pull(name)
        if int(name[1:]) % 2:
            await hub.put(hub.sticks[name])

    before = await asyncio.to_thread(open_files)
    async with running(hub, tmp_path / "data") as hotspot:
        async with asyncio.TaskGroup() as group:
            for name in hub.sticks:
                group.create_task(in_and_out(name, random.Random(chance.random())))
        left = {f"S{n}" for n in range(1, STICKS, 2)}
        await hotspot.until(lambda: {one["name"] for one in hotspot.board.sticks()} == left)
        await hotspot.until(lambda: hotspot.board.indication is Indication.SAFE_TO_REMOVE)
        _, total = await hotspot.store.list_packages(PackageQuery())
        assert total == PACKAGES
        for name in left:
            await hub.pull(name)
        await hotspot.until(lambda: hotspot.board.indication is Indication.IDLE)
    assert await asyncio.to_thread(open_files) == before
    assert await asyncio.to_thread(mounts_below, hub.root) == []
    assert len(asyncio.all_tasks()) == 1


def open_files() -> int:
    """The number of open files of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def mounts_below(folder: Path) -> list[Path]:
    """What is mounted in `folder`."""
    places = [mount.mount_point for mount in mountinfo.read()]
    return [place for place in places if folder in place.parents]
