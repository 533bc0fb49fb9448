"""A PostgreSQL server of our own in a folder, for an upstream that is given no database.

Every process that needs the server may ask for it: the first starts it, the last one out stops it.
A process that is killed drops its lock, so the server that it leaves behind is found, used, and
stopped by whoever comes next.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TypeVar

from hotspot.upstream.postmaster import Postmaster

T = TypeVar("T")


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[str]:
    """The URL of the server in `folder`/postgres, which runs at least until the block ends.

    Raises PartUnavailable where it cannot run on this machine, StoreDamaged where it does not start
    although it should.
    """
    share = _Share(folder)
    try:
        yield await _to_its_end(share.take)
    finally:
        await _to_its_end(share.leave)


async def _to_its_end(call: Callable[[], T]) -> T:
    """Runs `call` in a thread; a cancellation is raised only after its end."""
    work = asyncio.create_task(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


class _Share:
    """One process's part in a server that several may use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._users: IO[str] | None = None

    def take(self) -> str:
        """Starts the server unless it runs already; its URL."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._users = (self._folder / "postgres.users").open("a")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            return Postmaster(self._folder).start()

    def leave(self) -> None:
        """Stops the server unless somebody else uses it."""
        if self._users is None:
            return
        with self._alone(), self._users as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            Postmaster(self._folder).stop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops the server meanwhile."""
        with (self._folder / "postgres.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
