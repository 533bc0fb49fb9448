"""One process at a time works on a data folder."""

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hotspot.errors import HotspotError


@asynccontextmanager
async def only_one(data_dir: Path) -> AsyncIterator[None]:
    """Holds the data folder for this process until the block ends.

    Raises HotspotError where the folder cannot be used, or another process has it.
    """
    descriptor = await asyncio.to_thread(_lock, data_dir)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(data_dir: Path) -> int:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = _open(data_dir)
    except OSError as error:
        raise HotspotError(
            f"The data folder {data_dir} cannot be used ({os.strerror(error.errno or 0)})."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise HotspotError(f"Another hotspot process uses the data folder {data_dir}.") from None
    return descriptor


def _open(data_dir: Path) -> int:
    """The file that is locked; on a card that takes no writes as it is there, or the folder."""
    file = data_dir / "lock"
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
    return os.open(file if file.exists() else data_dir, os.O_RDONLY | os.O_CLOEXEC)
