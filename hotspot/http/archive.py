"""A ZIP archive that is never made: its own bytes, and between them files where they lie.

Nothing is compressed, so its size is known before its first byte, and any part of it can be sent.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from hotspot.http.pieces import InFile, Piece

MOST_BYTES = 2**32 - 2
MOST_ENTRIES = 2**16 - 2

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_UNIX = 3 << 8
_UTF8 = 0x0800
_STORED = 0
_DATE = 0x21
"""1980-01-01: with the day of the request, the bytes would not be the same tomorrow."""
_MODE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its name in the archive, where its bytes lie, and their CRC-32."""

    name: str
    where: InFile
    crc32: int


def archive(entries: Sequence[Entry]) -> list[Piece]:
    """The archive of these files, the same for the same ones.

    Raises ValueError where it would be larger than every reader understands.
    """
    if len(entries) > MOST_ENTRIES:
        raise ValueError("There are too many files for one archive.")
    pieces, directory, offset = list[Piece](), bytearray(), 0
    for entry in entries:
        name = entry.name.encode()
        about = (_STORED, 0, _DATE, entry.crc32, entry.where.size, entry.where.size, len(name))
        local = _LOCAL.pack(b"PK\x03\x04", _VERSION, _UTF8, *about, 0) + name
        directory += _CENTRAL.pack(
            *(b"PK\x01\x02", _UNIX | _VERSION, _VERSION, _UTF8, *about), 0, 0, 0, 0, _MODE, offset
        )
        directory += name
        pieces += (local, entry.where)
        offset += len(local) + entry.where.size
        if offset + len(directory) > MOST_BYTES:
            raise ValueError("The files are too big for one archive.")
    count = len(entries)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)
    return [*pieces, bytes(directory) + end]
