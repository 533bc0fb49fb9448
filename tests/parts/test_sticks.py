"""What sticks lead to. The source is scripted; real ones are tested where they live."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotspot.box.activity import Board
from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.drives.drive import Drive, DriveEvent, DriveKind
from hotspot.errors import PartUnavailable
from hotspot.events import Bus, ImportFinished, SticksChanged, Subscription
from hotspot.importer.importer import Importer
from hotspot.model.activity import Indication
from hotspot.model.catalogue import PackageQuery
from hotspot.parts.sticks import Sticks
from hotspot.store.store import HotspotStore
from tests.support.packages import text_package


class Script:
    """A DriveSource that tells what it is given."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[DriveEvent | Exception] = asyncio.Queue()

    async def events(self) -> AsyncGenerator[DriveEvent, None]:
        while True:
            event = await self.queue.get()
            if isinstance(event, Exception):
                raise event
            yield event

    def tell(
        self,
        kind: DriveKind,
        mount_point: Path | None = None,
        sentence: str = "",
        node: str = "/dev/sdx1",
    ) -> None:
        drive = Drive(id="stick", device_node=node, label="BIBLES", mount_point=mount_point)
        self.queue.put_nowait(DriveEvent(kind, drive, sentence))


@dataclass(frozen=True, slots=True)
class Run:
    """Sticks that are followed, from a script."""

    script: Script
    bus: Bus
    board: Board
    importer: Importer
    store: HotspotStore
    task: asyncio.Task[None]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Run]:
    script, bus, config, clock = Script(), Bus(), Config(data_dir=tmp_path), Clock(0)
    async with HotspotStore.open(config.database, clock) as store:
        importer, board = Importer(config, store, clock, bus), Board(bus, lambda: False)
        await importer.prepare()
        task = asyncio.create_task(Sticks(script, importer, board).run())
        yield Run(script, bus, board, importer, store, task)
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return text_package(tmp_path / "stick").parent


async def shows(events: Subscription, board: Board, wanted: Indication) -> None:
    """Waits until the board shows `wanted`."""
    async with asyncio.timeout(20):
        while board.indication is not wanted:
            await events.next()


async def test_a_stick_is_imported_and_what_is_added_to_it_too(running: Run, stick: Path) -> None:
    script = running.script
    with running.bus.listen(ImportFinished) as events:
        script.tell(DriveKind.ADDED, stick)
        await events.next()
        await asyncio.to_thread(text_package, stick, "second")
        script.tell(DriveKind.CHANGED, stick)
        await events.next()
        await events.next()
        _, total = await running.store.list_packages(PackageQuery())
        assert total == 2
        script.tell(DriveKind.REFUSED, sentence="It has no file system.", node="/dev/sdy1")
        refused = await events.next()
    assert refused == ImportFinished("BIBLES", "refused", "It has no file system.", None)
    script.queue.put_nowait(PartUnavailable("There is no udev here."))
    with pytest.raises(PartUnavailable):
        await running.task
    assert (running.board.sticks(), running.board.indication) == ([], Indication.IDLE)


async def test_a_stick_that_is_done_may_be_pulled_out(running: Run, stick: Path) -> None:
    with running.bus.listen(SticksChanged) as events:
        running.script.tell(DriveKind.ADDED, stick)
        await shows(events, running.board, Indication.IMPORTING)
        await shows(events, running.board, Indication.SAFE_TO_REMOVE)
        (told,) = running.board.sticks()
        sentence = "The stick BIBLES can be pulled out: of 1 package, 1 imported."
        assert told == {"name": "BIBLES", "state": "done", "message": sentence}
        running.script.tell(DriveKind.REMOVED)
        await shows(events, running.board, Indication.IDLE)


async def test_a_stick_without_packages_says_so(running: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with running.bus.listen(SticksChanged) as events:
        running.script.tell(DriveKind.ADDED, tmp_path / "empty")
        await shows(events, running.board, Indication.SAFE_TO_REMOVE)
    assert "no packages are on it" in running.board.sticks()[0]["message"]


async def test_a_stick_that_looks_empty_because_it_is_gone_is_not_an_empty_one(
    running: Run, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    drive = Drive(
        id="stick",
        device_node="/dev/sdx1",
        device_number="8:999",
        label="BIBLES",
        mount_point=tmp_path / "gone",
    )
    with running.bus.listen(SticksChanged, ImportFinished) as events:
        running.script.queue.put_nowait(DriveEvent(DriveKind.ADDED, drive))
        await shows(events, running.board, Indication.FAILED)
        assert "was pulled out before it was done" in running.board.sticks()[0]["message"]
        running.script.queue.put_nowait(DriveEvent(DriveKind.REMOVED, drive))
        async with asyncio.timeout(20):
            while not isinstance(told := await events.next(), ImportFinished):
                continue
    assert told.outcome == "interrupted"
    assert "goes on where it was" in told.sentence


async def test_a_stick_that_is_pulled_out_meanwhile_is_missed_until_another_comes(
    running: Run, stick: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with running.bus.listen(SticksChanged) as events:
        async with running.importer._turns.turn((-1, 0, "")):
            running.script.tell(DriveKind.ADDED, stick)
            await shows(events, running.board, Indication.IMPORTING)
            running.script.tell(DriveKind.REMOVED)
            await shows(events, running.board, Indication.FAILED)
            assert running.board.sticks() == []
        running.script.tell(DriveKind.ADDED, tmp_path / "empty")
        await shows(events, running.board, Indication.SAFE_TO_REMOVE)


async def test_twin_sticks_are_told_apart_by_their_ports(running: Run, stick: Path) -> None:
    with running.bus.listen(SticksChanged) as events:
        async with running.importer._turns.turn((-1, 0, "")):
            running.script.tell(DriveKind.ADDED, stick, node="/dev/sdx1")
            running.script.tell(DriveKind.ADDED, stick, node="/dev/sdy1")
            running.script.tell(DriveKind.REMOVED, node="/dev/sdx1")
            async with asyncio.timeout(20):
                while len(running.board.sticks()) != 1 or not running.script.queue.empty():
                    await events.next()
        await shows(events, running.board, Indication.SAFE_TO_REMOVE)
    _, total = await running.store.list_packages(PackageQuery())
    assert total == 1
