"""What is sent as pieces: bytes that are at hand, and parts of files. Nothing here reads any."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotspot.http.ranges import Range


@dataclass(frozen=True, slots=True)
class InFile:
    """`size` bytes at `offset` of the file at `path`."""

    path: Path
    offset: int
    size: int


Piece = bytes | InFile


def size_of(pieces: Sequence[Piece]) -> int:
    """How many bytes they are together."""
    return sum(map(_size, pieces))


def cut(pieces: Sequence[Piece], wanted: Range) -> Iterator[Piece]:
    """The pieces of the bytes `wanted` of what `pieces` are together; none of them is empty."""
    begin = 0
    for piece in pieces:
        end = begin + _size(piece)
        first, last = max(wanted.offset, begin), min(wanted.end, end)
        if first < last:
            yield _part(piece, first - begin, last - first)
        if wanted.end <= end:
            return
        begin = end


def multipart(
    pieces: Sequence[Piece], ranges: Sequence[Range], content_type: str, boundary: str
) -> list[Piece]:
    """The body of a multipart/byteranges answer, as RFC 9110 has it (section 14.6)."""
    size, body = size_of(pieces), list[Piece]()
    for one in ranges:
        body.append(
            f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Range: {content_range(one, size)}\r\n\r\n".encode()
        )
        body += cut(pieces, one)
    return [*body, f"\r\n--{boundary}--\r\n".encode()]


def content_range(one: Range, size: int) -> str:
    """The Content-Range of a part of `size` bytes."""
    return f"bytes {one.offset}-{one.end - 1}/{size}"


def _size(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.size


def _part(piece: Piece, offset: int, size: int) -> Piece:
    if isinstance(piece, bytes):
        return piece[offset : offset + size]
    return InFile(piece.path, piece.offset + offset, size)
