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
"""A file stays open for at least so long after its last use, and for no more than twice as long:
a deleted one takes room until then."""
MOST_IDLE = 16


@dataclass(slots=True)
class _Opened:
    """`used`: when it was used last, in the loop's time."""

    file: BinaryIO
    used: float
    users: int = 0


class Files:
    """The open files of a server."""

    def __init__(self) -> None:
        self._opened: dict[Path, _Opened] = {}
        self._sweeping = False

    @asynccontextmanager
    async def open(self, path: Path) -> AsyncIterator[BinaryIO]:
        """The file at `path`, unbuffered; its position means nothing. Raises OSError."""
        opened = self._opened.get(path) or await self._opened_now(path)
        opened.users += 1
        try:
            yield opened.file
        finally:
            opened.users -= 1
            opened.used = asyncio.get_running_loop().time()

    async def check(self, pieces: Iterable[Piece]) -> None:
        """Raises OSError where a file is not there, or ends before what is to be sent of it."""
        needed: dict[Path, int] = {}
        for piece in pieces:
            if isinstance(piece, InFile):
                end = piece.offset + piece.size
                needed[piece.path] = max(end, needed.get(piece.path, 0))
        for path, size in needed.items():
            opened = self._opened.get(path) or await self._opened_now(path)
            if os.fstat(opened.file.fileno()).st_size < size:
                raise OSError(f"{path.name} is shorter than it should be")

    async def _opened_now(self, path: Path) -> _Opened:
        file = await asyncio.to_thread(_open, path)
        loop = asyncio.get_running_loop()
        if path in self._opened:  # somebody else was quicker
            file.close()
            return self._opened[path]
        if len(self._opened) >= MOST_IDLE:
            self._close_idle(loop.time())
        self._opened[path] = _Opened(file, loop.time())
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(IDLE_S, self._sweep, loop)
        return self._opened[path]

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._close_idle(loop.time() - IDLE_S)
        self._sweeping = bool(self._opened)
        if self._sweeping:
            loop.call_later(IDLE_S, self._sweep, loop)

    def _close_idle(self, since: float) -> None:
        """Closes what nobody has used after `since` (the loop's time)."""
        for path, opened in list(self._opened.items()):
            if opened.users == 0 and opened.used <= since:
                self._opened.pop(path).file.close()


def _open(path: Path) -> BinaryIO:
    file = path.open("rb", buffering=0)
    # Sending waits for the disk on the event loop; reading ahead keeps that wait short.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return file
