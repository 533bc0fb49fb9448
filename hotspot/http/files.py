"""A part of a file as a response: ranges, entity tags, and the bytes straight from the disk."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from aiohttp import web

from hotspot.errors import NotFound
from hotspot.http.opened import Files
from hotspot.http.pieces import InFile, Piece, content_range, cut, multipart, size_of
from hotspot.http.ranges import (
    Range,
    Unsatisfiable,
    etag_matches,
    if_range_matches,
    parse_ranges,
)
from hotspot.http.sending import corked, send_pieces
from hotspot.http.traffic import note_sent

log = logging.getLogger(__name__)

_NAME_LIMIT = 120
_FORBIDDEN_IN_NAMES = frozenset('/\\:*?"<>|')


@dataclass(frozen=True, slots=True)
class FileSlice:
    """`size` bytes at `offset` of the file at `path`, whose SHA-256 (hex) is `sha256`.

    `name`: what it is called where it is saved, in any script. `attachment`: it is to be saved
    and not shown. The bytes never change under one hash: it is the strong entity tag.
    """

    path: Path
    offset: int
    size: int
    sha256: str
    content_type: str
    name: str
    attachment: bool = True

    @property
    def content(self) -> "Content":
        """What is sent of it."""
        piece = InFile(self.path, self.offset, self.size)
        return Content([piece], self.sha256, self.content_type, self.name, self.attachment)


@dataclass(frozen=True, slots=True)
class Content:
    """Pieces that are served as one file; `tag`: hex, never the same for other bytes.

    The rest is as in FileSlice.
    """

    pieces: Sequence[Piece]
    tag: str
    content_type: str
    name: str
    attachment: bool = True

    @property
    def etag(self) -> str:
        return f'"{self.tag}"'


async def send(
    request: web.Request, part: FileSlice, files: Files | None = None
) -> web.StreamResponse:
    """Answers a GET or HEAD for `part`, as send_content does."""
    return await send_content(request, part.content, files)


async def send_content(
    request: web.Request, content: Content, files: Files | None = None
) -> web.StreamResponse:
    """Answers a GET or HEAD for `content`: 200, 206, 304, 412 or 416, as RFC 9110 has them.

    `files`: the server's open files; None: they are opened for this alone. Raises NotFound where
    a file is not there, or shorter than it should be. A receiver that goes away, or takes nothing
    for as long as the socket allows, ends the connection.
    """
    files = Files() if files is None else files
    try:
        await files.check(content.pieces)
    except OSError as error:
        log.error("%s cannot be served: %s.", content.name, error)
        raise NotFound("This file is not here any more; look at the list again.") from None
    size = size_of(content.pieces)
    status, ranges = _choose(request, content, size)
    headers, body = _answer(content, size, status, ranges)
    response = web.StreamResponse(status=status, headers=headers)
    with corked(request.transport):
        await response.prepare(request)
        if request.method == "GET" and body:
            sent = await send_pieces(request, response, body, files)
            note_sent(request, Range(ranges[0].offset if len(ranges) == 1 else 0, sent))
    return response


def content_disposition(name: str, *, attachment: bool) -> str:
    """The header for a file called `name`: RFC 6266, with RFC 8187 for what ASCII lacks."""
    printable = "".join(
        "_" if char in _FORBIDDEN_IN_NAMES else char for char in name if char.isprintable()
    )
    safe = printable[:_NAME_LIMIT].strip(". ") or "download"
    kind = "attachment" if attachment else "inline"
    plain = "".join(char if char.isascii() and char != "%" else "_" for char in safe)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


def _choose(request: web.Request, content: Content, size: int) -> tuple[int, Sequence[Range]]:
    """The status, and the bytes that the body has (or would have, for HEAD)."""
    headers, etag = request.headers, content.etag
    whole = [Range(0, size)]
    if "If-Match" in headers and not etag_matches(headers["If-Match"], etag, weak=False):
        return 412, []
    if etag_matches(headers.get("If-None-Match"), etag, weak=True):
        return 304, []
    if request.method != "GET" or not if_range_matches(headers.get("If-Range"), etag):
        return 200, whole
    match parse_ranges(headers.get("Range"), size):
        case None:
            return 200, whole
        case Unsatisfiable():
            return 416, []
        case wanted:
            return 206, wanted


def _answer(
    content: Content, size: int, status: int, ranges: Sequence[Range]
) -> tuple[dict[str, str], list[Piece]]:
    """The headers, and the body."""
    body = [piece for one in ranges for piece in cut(content.pieces, one)]
    headers = {
        "ETag": content.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache, no-transform",
    }
    if status in (200, 206):
        headers["Content-Type"] = content.content_type
        name = content_disposition(content.name, attachment=content.attachment)
        headers["Content-Disposition"] = name
    if len(ranges) > 1:
        boundary = uuid4().hex
        body = multipart(content.pieces, ranges, content.content_type, boundary)
        headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
    elif status == 206:
        headers["Content-Range"] = content_range(ranges[0], size)
    if status == 416:
        headers["Content-Range"] = f"bytes */{size}"
    if status != 304:
        headers["Content-Length"] = str(size_of(body))
    return headers, body
