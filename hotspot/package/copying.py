"""Copying a package off a stick: one pass that copies and hashes, and goes on where it was cut.

Hashing costs as much as writing, so each hash has a thread of its own beside the one that copies.
"""

import errno
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b, sha256
from io import FileIO
from itertools import cycle
from pathlib import Path

from hotspot.errors import SourceGone
from hotspot.package.beside import Beside
from hotspot.package.fullness import full_card_said
from hotspot.package.spans import Span, SpanHashes

CHUNK = 1024 * 1024
PIECE = 128 * 1024
"""What is read at once: it is written and hashed while the processor has it at hand."""
RETRIES_S = (0.05, 0.2, 0.5)
"""How long to wait before a drive that failed is asked again."""
SMALLEST = 4096
"""What is asked for then: the bytes before a bad sector are good."""
AHEAD = 16
"""Pieces that may wait to be hashed."""
DURABLE_EVERY = 8 * 1024 * 1024
"""A power cut costs no more of a copy; no more waits for the card before what phones send."""
_TOO_LARGE = (errno.EFBIG,)


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that is on the card. `sha256`: of the whole file; `content_sha256`: after `skip`.

    `blake2b`: of the whole file too, if it was asked for; signatures are over it. `spans`: the
    SHA-256 of each of the parts that were asked for.
    """

    sha256: str
    content_sha256: str
    resumed: bool
    blake2b: bytes | None = None
    spans: tuple[str, ...] = ()


class Cancelled(Exception):
    """The copy was asked to stop; what is copied so far stays for the next time."""


def copy(
    source: Path,
    part: Path,
    size: int,
    skip: int,
    progress: Callable[[int], None],
    stopped: Callable[[], bool],
    *,
    prehash: bool = False,
    spans: Sequence[Span] = (),
) -> Copied:
    """Copies `size` bytes of `source` to `part`, and makes them durable.

    What `part` holds already is hashed and kept. `skip`: bytes of the header that the content hash
    leaves out; `prehash`: whether the BLAKE2b-512 is asked for; `spans`: parts of the file, in
    order and apart, whose hashes are asked for. `progress` is told the bytes that are there;
    `stopped` is asked between chunks.
    Raises SourceGone, NoSpace or Cancelled; `part` then keeps what was copied. Blocking.
    """
    with ExitStack() as stack:
        reader = stack.enter_context(FileIO(source, "r"))
        writer = stack.enter_context(FileIO(part, "a+"))
        saving = stack.enter_context(Beside(1))
        hashing = _Hashing(skip, stack, prehash, spans)

        def hash_piece(piece: memoryview) -> None:
            before = hashing.done
            hashing.add(piece)
            if before // CHUNK < hashing.done // CHUNK or hashing.done == size:
                progress(hashing.done)
                if stopped():
                    raise Cancelled

        resumed = _rehash(writer, size, hashing, hash_piece)
        if resumed:
            progress(hashing.done)
        reader.seek(hashing.done)
        durable = hashing.done
        while hashing.done < size:
            piece = _read(reader, hashing.room()[: size - hashing.done], source)
            with full_card_said(_TOO_LARGE):
                _write(writer, piece)
                if hashing.done - durable >= DURABLE_EVERY:
                    durable = hashing.done
                    saving.call(os.fdatasync, writer.fileno())
            hash_piece(piece)
        with full_card_said(_TOO_LARGE):
            saving.finish()
            os.fsync(writer.fileno())
        return hashing.result(resumed)


class _Hashing:
    """The hashes of a copy, each in a thread of its own. `done`: the bytes that they were given."""

    def __init__(self, skip: int, stack: ExitStack, prehash: bool, spans: Sequence[Span]) -> None:
        self.done = 0
        self._skip = skip
        self._rooms = cycle([memoryview(bytearray(PIECE)) for _ in range(AHEAD + 2)])
        self._whole, self._content = sha256(), sha256()
        self._prehash = blake2b() if prehash else None
        self._spans = SpanHashes(spans)
        self._first, self._second, self._third = (
            stack.enter_context(Beside(AHEAD)) for _ in range(3)
        )

    def room(self) -> memoryview:
        """Where the next piece may be put: no hash is as far behind as what was there before."""
        return next(self._rooms)

    def add(self, piece: memoryview) -> None:
        self._first.call(self._whole.update, piece)
        self._second.call(self._content.update, piece[max(self._skip - self.done, 0) :])
        if self._prehash is not None:
            self._third.call(self._prehash.update, piece)
        self._second.call(self._spans.update, piece)
        self.done += len(piece)

    def result(self, resumed: bool) -> Copied:
        self._first.finish()
        self._second.finish()
        self._third.finish()
        return Copied(
            self._whole.hexdigest(),
            self._content.hexdigest(),
            resumed,
            None if self._prehash is None else self._prehash.digest(),
            self._spans.result(),
        )


def _rehash(
    part: FileIO, size: int, hashing: _Hashing, hash_piece: Callable[[memoryview], None]
) -> bool:
    """Hashes what an earlier attempt left; more than `size` cannot be of this file."""
    if part.seek(0, os.SEEK_END) > size:
        part.truncate(0)
    part.seek(0)
    while count := part.readinto(room := hashing.room()):
        hash_piece(room[:count])
    return hashing.done > 0


def _read(reader: FileIO, room: memoryview, source: Path) -> memoryview:
    """The next bytes, put into `room`; asks again where the drive fails, for as little as it may
    give."""
    at, asked = reader.tell(), room
    for wait_s in (*RETRIES_S, None):
        try:
            count = reader.readinto(asked)
            break
        except OSError as error:
            if error.errno != errno.EIO or wait_s is None:
                raise SourceGone(
                    f"{source.name} cannot be read any further ({os.strerror(error.errno or 0)}): "
                    f"the stick was pulled out, or is damaged there. {_AGAIN}"
                ) from None
            time.sleep(wait_s)
            reader.seek(at)
            asked = room[:SMALLEST]
    if not count:
        raise SourceGone(
            f"{source.name} ended early: the stick was pulled out, or the file is cut short. "
            f"{_AGAIN}"
        )
    return room[:count]


_AGAIN = "Put it in again, or another one with the same file; the import goes on where it stopped."


def _write(writer: FileIO, piece: memoryview) -> None:
    while piece:
        piece = piece[writer.write(piece) :]
