"""Reading what a disk was sent, in order: a log of dm-log-writes, or of qemu's blklogwrites.

A log begins with one sector that names the format and counts the entries. Each entry is one sector,
followed by what was written.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = 0x6A736677736872
VERSION = 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")


@dataclass(frozen=True, slots=True)
class Entry:
    """One request to the disk. `target`, `data`, `size`, `end`: bytes.

    `size` bytes that lie at `data` in the log were written at `target` of the disk. `end`: where
    the entry ends in the log.
    """

    target: int
    data: int
    size: int
    flags: int
    end: int

    @property
    def flushes(self) -> bool:
        """Whether everything before it is safe from then on."""
        return bool(self.flags & FLUSH)


def read_log(log: BinaryIO) -> Iterator[Entry]:
    """The entries of a log, from its beginning. Raises ValueError for what is no such log."""
    magic, version, count, sector = SUPER.unpack(log.read(SUPER.size).ljust(SUPER.size, b"\0"))
    if (magic, version) != (MAGIC, VERSION) or sector < SUPER.size:
        raise ValueError("this is not a log of writes")
    at = sector
    for _ in range(count):
        log.seek(at)
        raw = log.read(ENTRY.size)
        if len(raw) < ENTRY.size:
            raise ValueError("the log is cut off")
        target, sectors, flags, more = ENTRY.unpack(raw)
        size = 0 if flags & (DISCARD | MARK) else sectors * sector
        end = at + sector + size + (more if flags & MARK else 0)
        yield Entry(target * sector, at + sector, size, flags, end)
        at = -(-end // sector) * sector


class Replay:
    """An image that becomes what the disk was after one entry and another; never backwards."""

    def __init__(self, log: Path, image: Path) -> None:
        """`image`: a copy of the disk before the first entry."""
        self.image = image
        self.log = log
        with log.open("rb") as file:
            self.entries = list(read_log(file))
        self._done = 0

    def up_to(self, position: int) -> None:
        """Applies the entries before `position` that are not applied yet."""
        if position < self._done:
            raise ValueError("a replay does not go back")
        apply(self.log, self.image, self.entries[self._done : position])
        self._done = position

    def flushed(self, position: int) -> int:
        """The number of the first entries that are safe when the disk is cut after `position`."""
        return max((n for n in range(1, position + 1) if self.entries[n - 1].flushes), default=0)


def apply(log: Path, image: Path, entries: Sequence[Entry]) -> None:
    """Writes to `image` what these entries wrote to the disk."""
    with log.open("rb") as source, image.open("r+b") as disk:
        for entry in entries:
            source.seek(entry.data)
            disk.seek(entry.target)
            disk.write(source.read(entry.size))
