"""Copying a package off a stick: one pass that copies and hashes, and goes on where it was cut."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from io import FileIO
from pathlib import Path

from hotspot.errors import NoSpace, SourceGone

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that is on the card. `sha256`: of the whole file; `content_sha256`: after `skip`."""

    sha256: str
    content_sha256: str
    resumed: bool


class Cancelled(Exception):
    """The copy was asked to stop; what is copied so far stays for the next time."""


def copy(
    source: Path,
    part: Path,
    size: int,
    skip: int,
    progress: Callable[[int], None],
    stopped: Callable[[], bool],
) -> Copied:
    """Copies `size` bytes of `source` to `part`, and makes them durable.

    What `part` holds already is hashed and kept. `skip`: bytes of the header that the content hash
    leaves out. `progress` is told the bytes that are there; `stopped` is asked between chunks.
    Raises SourceGone, NoSpace or Cancelled; `part` then keeps what was copied. Blocking.
    """
    whole, content = sha256(), sha256()
    with FileIO(source, "r") as reader, FileIO(part, "a+") as writer:
        done = 0

        def hash_chunk(chunk: bytes) -> None:
            nonlocal done
            whole.update(chunk)
            content.update(chunk[max(skip - done, 0) :])
            done += len(chunk)
            progress(done)
            if stopped():
                raise Cancelled

        resumed = _rehash(writer, size, hash_chunk)
        reader.seek(done)
        while done < size:
            chunk = _read(reader, min(CHUNK, size - done), source)
            _write(writer, chunk)
            hash_chunk(chunk)
        os.fsync(writer.fileno())
    return Copied(whole.hexdigest(), content.hexdigest(), resumed)


def _rehash(part: FileIO, size: int, hash_chunk: Callable[[bytes], None]) -> bool:
    """Hashes what an earlier attempt left; more than `size` cannot be of this file."""
    if part.seek(0, os.SEEK_END) > size:
        part.truncate(0)
    part.seek(0)
    resumed = False
    while chunk := part.read(CHUNK):
        resumed = True
        hash_chunk(chunk)
    return resumed


def _read(reader: FileIO, size: int, source: Path) -> bytes:
    try:
        chunk = reader.read(size)
    except OSError as error:
        raise SourceGone(
            f"{source.name} cannot be read any further ({os.strerror(error.errno or 0)}). "
            "Put the stick in again; the import goes on where it stopped."
        ) from None
    if not chunk:
        raise SourceGone(
            f"{source.name} ended early: the stick was pulled out, or the file is cut short. "
            "Put the stick in again; the import goes on where it stopped."
        )
    return chunk


def _write(writer: FileIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    try:
        while view:
            view = view[writer.write(view) :]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NoSpace(
            "The card is full: remove packages that nobody uses, or use a bigger card."
        ) from None
