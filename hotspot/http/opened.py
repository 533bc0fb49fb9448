"""Files that are being sent, each opened once for all who get it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hotspot.http.pieces import InFile, Piece

IDLE_S = 0.25
"""A file stays open for so long after its last use; a deleted one takes room until then."""
MOST_IDLE = 16


@dataclass(slots=True)
class _Opened:
    file: BinaryIO
    users: int = 0
    closing: asyncio.TimerHandle | None = None


class Files:
    """The open files of a server."""

    def __init__(self) -> None:
        self._opened: dict[Path, _Opened] = {}

    @asynccontextmanager
    async def open(self, path: Path) -> AsyncIterator[BinaryIO]:
        """The file at `path`, unbuffered; its position means nothing. Raises OSError."""
        opened = self._opened.get(path)
        if opened is None:
            opened = await self._opened_now(path)
        opened.users += 1
        if opened.closing is not None:
            opened.closing.cancel()
            opened.closing = None
        try:
            yield opened.file
        finally:
            opened.users -= 1
            if opened.users == 0:
                self._leave(path, opened)

    async def check(self, pieces: Iterable[Piece]) -> None:
        """Raises OSError where a file is not there, or ends before what is to be sent of it."""
        needed: dict[Path, int] = {}
        for piece in pieces:
            if isinstance(piece, InFile):
                end = piece.offset + piece.size
                needed[piece.path] = max(end, needed.get(piece.path, 0))
        for path, size in needed.items():
            async with self.open(path) as file:
                if os.fstat(file.fileno()).st_size < size:
                    raise OSError(f"{path.name} is shorter than it should be")

    async def _opened_now(self, path: Path) -> _Opened:
        file = await asyncio.to_thread(_open, path)
        opened = self._opened.setdefault(path, _Opened(file))
        if opened.file is not file:  # somebody else was quicker
            file.close()
        return opened

    def _leave(self, path: Path, opened: _Opened) -> None:
        idle = sum(one.users == 0 for one in self._opened.values())
        if idle > MOST_IDLE:
            self._close(path)
        else:
            loop = asyncio.get_running_loop()
            opened.closing = loop.call_later(IDLE_S, self._close, path)

    def _close(self, path: Path) -> None:
        self._opened.pop(path).file.close()


def _open(path: Path) -> BinaryIO:
    file = path.open("rb", buffering=0)
    # Sending waits for the disk on the event loop; reading ahead keeps that wait short.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return file
