"""Joins sticks and imports: what comes is imported, what goes takes its import with it."""

import asyncio
import logging
from contextlib import aclosing

from hotspot.drives.drive import Drive, DriveEvent, DriveKind, DriveSource
from hotspot.importer.importer import Importer

log = logging.getLogger(__name__)


class Sticks:
    """Imports from the sticks of one source."""

    def __init__(self, source: DriveSource, importer: Importer) -> None:
        self._source = source
        self._importer = importer
        self._imports: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follows the source until cancelled. Raises what it raises."""
        try:
            async with aclosing(self._source.events()) as events:
                async for event in events:
                    await self._follow(event)
        finally:
            for drive_id in list(self._imports):
                await self._stop(drive_id)

    async def _follow(self, event: DriveEvent) -> None:
        drive = event.drive
        if event.kind is DriveKind.REFUSED:
            await self._importer.refuse(drive.name, event.sentence)
        elif event.kind is DriveKind.REMOVED:
            await self._stop(drive.id)
        else:
            before = self._imports.get(drive.id)
            self._imports[drive.id] = asyncio.create_task(self._import(drive, before))

    async def _import(self, drive: Drive, before: asyncio.Task[None] | None) -> None:
        """Looks at the stick once; after the look that is under way, if there is one."""
        if before is not None:
            await before
        if drive.mount_point is None:
            return
        try:
            await self._importer.import_folder(drive.mount_point)
        except Exception:
            log.exception("Importing from %s failed", drive.name)
            await self._importer.refuse(drive.name, "Importing failed unexpectedly; the log says why.")

    async def _stop(self, drive_id: str) -> None:
        task = self._imports.pop(drive_id, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
