"""A part of a file as a response: ranges, entity tags, and the bytes straight from the disk."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from aiohttp import web

from hotspot.errors import NotFound
from hotspot.http.ranges import (
    Range,
    Unsatisfiable,
    etag_matches,
    if_range_matches,
    parse_range,
)
from hotspot.http.traffic import note_sent

log = logging.getLogger(__name__)

_CHUNK = 256 * 1024
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
    def etag(self) -> str:
        return f'"{self.sha256}"'


async def send(request: web.Request, part: FileSlice) -> web.StreamResponse:
    """Answers a GET or HEAD for `part`: 200, 206, 304, 412 or 416, as RFC 9110 has them.

    Raises NotFound where the file is not there, or shorter than it should be. A receiver that
    goes away, or takes nothing for as long as the socket allows, ends the connection.
    """
    async with _opened(part) as file:
        status, wanted = _choose(request, part)
        response = web.StreamResponse(status=status, headers=_headers(part, status, wanted))
        await response.prepare(request)
        if request.method == "GET" and wanted.size > 0:
            start = part.offset + wanted.offset
            sent = await _send_body(request, response, file, start, wanted.size)
            note_sent(request, Range(wanted.offset, sent))
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


def _choose(request: web.Request, part: FileSlice) -> tuple[int, Range]:
    """The status, and the bytes of `part` that the body has (or would have, for HEAD)."""
    headers = request.headers
    whole, nothing = Range(0, part.size), Range(0, 0)
    if "If-Match" in headers and not etag_matches(headers["If-Match"], part.etag, weak=False):
        return 412, nothing
    if etag_matches(headers.get("If-None-Match"), part.etag, weak=True):
        return 304, nothing
    if request.method != "GET" or not if_range_matches(headers.get("If-Range"), part.etag):
        return 200, whole
    match parse_range(headers.get("Range"), part.size):
        case None:
            return 200, whole
        case Unsatisfiable():
            return 416, nothing
        case wanted:
            return 206, wanted


def _headers(part: FileSlice, status: int, wanted: Range) -> dict[str, str]:
    headers = {
        "ETag": part.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache, no-transform",
    }
    if status == 206:
        last = wanted.offset + wanted.size - 1
        headers["Content-Range"] = f"bytes {wanted.offset}-{last}/{part.size}"
    if status == 416:
        headers["Content-Range"] = f"bytes */{part.size}"
    if status != 304:
        headers["Content-Length"] = str(wanted.size)
    if status in (200, 206):
        headers["Content-Type"] = part.content_type
        headers["Content-Disposition"] = content_disposition(part.name, attachment=part.attachment)
    return headers


@asynccontextmanager
async def _opened(part: FileSlice) -> AsyncIterator[BinaryIO]:
    try:
        file = await asyncio.to_thread(_open, part)
    except OSError as error:
        log.error("%s cannot be served: %s.", part.path, error)
        raise NotFound("This file is not here any more; look at the list again.") from None
    try:
        yield file
    finally:
        file.close()


def _open(part: FileSlice) -> BinaryIO:
    file = part.path.open("rb", buffering=0)
    try:
        if os.fstat(file.fileno()).st_size < part.offset + part.size:
            raise OSError("it is shorter than it should be")
        # Sending waits for the disk on the event loop; reading ahead keeps that wait short.
        os.posix_fadvise(file.fileno(), part.offset, part.size, os.POSIX_FADV_SEQUENTIAL)
    except OSError:
        file.close()
        raise
    return file


async def _send_body(
    request: web.Request, response: web.StreamResponse, file: BinaryIO, offset: int, size: int
) -> int:
    """Sends the bytes, or closes the connection: what was promised cannot be taken back.

    Returns how many were sent.
    """
    transport = request.transport
    if transport is None:
        return 0
    try:
        sent = await _transfer(transport, response, file, offset, size)
    except (ConnectionError, TimeoutError):
        transport.abort()
    except OSError as error:
        log.error("Reading a file to send failed: %s.", error)
        transport.abort()
    else:
        if sent < size:
            log.error("A file to send has become shorter by %d bytes.", size - sent)
            transport.abort()
        return sent
    return max(file.tell() - offset, 0)


async def _transfer(
    transport: asyncio.Transport,
    response: web.StreamResponse,
    file: BinaryIO,
    offset: int,
    size: int,
) -> int:
    """Returns how many bytes were sent."""
    loop = asyncio.get_running_loop()
    try:
        return await loop.sendfile(transport, file, offset, size, fallback=False)
    except (NotImplementedError, RuntimeError):
        return await _copy(response, file, offset, size)


async def _copy(response: web.StreamResponse, file: BinaryIO, offset: int, size: int) -> int:
    """The way for transports that the kernel cannot send to by itself, as TLS."""
    sent = 0
    while sent < size:
        chunk = await asyncio.to_thread(
            os.pread, file.fileno(), min(_CHUNK, size - sent), offset + sent
        )
        if not chunk:
            break
        await response.write(chunk)
        sent += len(chunk)
    return sent
