"""What sticks lead to. The source is scripted; real ones are tested where they live."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.drives.drive import Drive, DriveEvent, DriveKind
from hotspot.errors import PartUnavailable
from hotspot.events import Bus, ImportFinished
from hotspot.importer.importer import Importer
from hotspot.model.catalogue import PackageQuery
from hotspot.sticks import Sticks
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

    def tell(self, kind: DriveKind, mount_point: Path | None = None, sentence: str = "") -> None:
        drive = Drive(id="stick", device_node="/dev/sdx1", label="BIBLES", mount_point=mount_point)
        self.queue.put_nowait(DriveEvent(kind, drive, sentence))


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return text_package(tmp_path / "stick").parent


async def test_a_stick_is_imported_and_what_is_added_to_it_too(tmp_path: Path, stick: Path) -> None:
    script, bus, config = Script(), Bus(), Config(data_dir=tmp_path)
    clock = Clock(0)
    async with HotspotStore.open(config.database, clock) as store:
        importer = Importer(config, store, clock, bus)
        await importer.prepare()
        task = asyncio.create_task(Sticks(script, importer).run())
        with bus.listen(ImportFinished) as events:
            script.tell(DriveKind.ADDED, stick)
            await events.next()
            await asyncio.to_thread(text_package, stick, "second")
            script.tell(DriveKind.CHANGED, stick)
            await events.next()
            await events.next()
            _, total = await store.list_packages(PackageQuery())
            assert total == 2
            script.tell(DriveKind.REMOVED)
            script.tell(DriveKind.REFUSED, sentence="It has no file system.")
            refused = await events.next()
        assert refused == ImportFinished("BIBLES", "refused", "It has no file system.", None)
        script.queue.put_nowait(PartUnavailable("There is no udev here."))
        with pytest.raises(PartUnavailable):
            await task
