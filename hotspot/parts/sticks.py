"""Joins sticks and imports: what comes is imported, what goes takes its import with it."""

import asyncio
import logging
from contextlib import aclosing

from hotspot.box.activity import Board
from hotspot.drives.drive import Drive, DriveEvent, DriveKind, DriveSource
from hotspot.drives.presence import is_there
from hotspot.importer.importer import Importer
from hotspot.model.plan import ImportAction

log = logging.getLogger(__name__)


class Sticks:
    """Imports from the sticks of one source, and shows on the board how each of them fares."""

    def __init__(self, source: DriveSource, importer: Importer, board: Board) -> None:
        self._source = source
        self._importer = importer
        self._board = board
        self._imports: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follows the source until cancelled. Raises what it raises."""
        try:
            async with aclosing(self._source.events()) as events:
                async for event in events:
                    await self._follow(event)
        finally:
            for device in list(self._imports):
                await self._stop(device)
            self._board.clear()

    async def _follow(self, event: DriveEvent) -> None:
        drive = event.drive
        if event.kind is DriveKind.REFUSED:
            await self._refuse(drive, event.sentence)
        elif event.kind is DriveKind.REMOVED:
            await self._let_go(drive)
        else:
            self._board.began(drive)
            before = self._imports.get(drive.device_node)
            self._imports[drive.device_node] = asyncio.create_task(self._import(drive, before))

    async def _import(self, drive: Drive, before: asyncio.Task[None] | None) -> None:
        """Looks at the stick once; after the look that is under way, if there is one."""
        if before is not None:
            await before
        if drive.mount_point is None:
            return
        try:
            results = await self._importer.import_folder(drive.mount_point)
        except Exception:
            log.exception("Importing from %s failed", drive.name)
            await self._refuse(drive, "Importing failed unexpectedly; the log says why.")
        else:
            there = await asyncio.to_thread(is_there, drive)
            self._board.ended(drive, [one.action for one in results], there=there)

    async def _refuse(self, drive: Drive, why: str) -> None:
        self._board.refused(drive, why)
        await self._importer.refuse(drive.name, why)

    async def _let_go(self, drive: Drive) -> None:
        await self._stop(drive.device_node)
        unfinished = self._board.went(drive)
        if unfinished:
            await self._importer.refuse(drive.name, unfinished, ImportAction.INTERRUPTED)

    async def _stop(self, device: str) -> None:
        task = self._imports.pop(device, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
