"""Reading and writing the protocol's messages in a handler.

JSON is coded on the event loop, because the codec holds the interpreter wherever it runs;
compression does not, and moves to a thread when there is much to compress.
"""

import asyncio
import gzip
import re
import zlib
from typing import TypeVar

import msgspec
from aiohttp import web

from hotspot.errors import BadRequest
from hotspot.http.bodies import read_body

T = TypeVar("T")

MAX_BODY = 16 * 1024 * 1024
"""Bytes that a request may have once decompressed: the `client_max_size` of every app."""

GZIP_FROM = 1024
THREAD_FROM = 64 * 1024
_GZIP_LEVEL = 1
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_FORMAT = zlib.MAX_WBITS | 16
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_NUL = rb"\u0000"
_REFUSED = re.compile(r"q\s*=\s*0(\.0*)?")


async def read(request: web.Request, kind: type[T]) -> T:
    """The request's JSON body, which may be compressed by gzip, as a `kind`.

    Raises BadRequest for a body that is not a `kind`, HTTPRequestEntityTooLarge, and TooSlow.
    """
    try:
        body = await read_body(request)
    except web.RequestPayloadError:
        raise BadRequest("The request's body was cut off.") from None
    if body.startswith(_GZIP_MAGIC):  # no JSON does, whether or not the server unpacks by itself
        body = await asyncio.to_thread(_decompressed, body)
    try:
        return _decoded(body, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request is not understood: {error}.") from None
    except RecursionError:
        raise BadRequest("The request is not understood: it is nested too deeply.") from None


def _decoded(body: bytes, kind: type[T]) -> T:
    """`body` as a `kind`; half characters become NUL, which the field that has it will refuse.

    Some phones cut a text in the middle of an emoji, and send half of it as an escape. That must
    cost the one text, and not everything that was sent with it.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        whole = _ESCAPE.sub(lambda found: _NUL if found["half"] else found[0], body)
        if whole == body:
            raise
        return msgspec.json.decode(whole, type=kind)


def _decompressed(body: bytes) -> bytes:
    """What `body` unpacks to; never more than `MAX_BODY`, whatever it would grow to."""
    unpacker = zlib.decompressobj(wbits=_GZIP_FORMAT)
    try:
        unpacked = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise BadRequest("The request's body is damaged gzip.") from None
    if len(unpacked) > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, len(unpacked))
    if not unpacker.eof or unpacker.unused_data:
        raise BadRequest("The request's body is cut off, or not one gzip stream.")
    return unpacked


async def answer(
    request: web.Request, message: msgspec.Struct, status: int = 200
) -> web.StreamResponse:
    """The response that carries `message`."""
    return await answer_encoded(request, msgspec.json.encode(message), status)


async def answer_encoded(
    request: web.Request, body: bytes, status: int = 200
) -> web.StreamResponse:
    """The response that carries `body`, a message in JSON; compressed where that saves much."""
    response = web.Response(status=status, content_type="application/json")
    response.headers["Vary"] = "Accept-Encoding"
    if len(body) > GZIP_FROM and accepts_gzip(request.headers.get("Accept-Encoding", "")):
        response.headers["Content-Encoding"] = "gzip"
        body = await _compressed(body)
    response.body = body
    return response


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    allowed = {}
    for part in header.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        allowed[coding] = not any(_REFUSED.fullmatch(parameter) for parameter in parameters)
    return allowed.get("gzip", allowed.get("*", False))


async def _compressed(body: bytes) -> bytes:
    if len(body) < THREAD_FROM:
        return gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _GZIP_LEVEL, mtime=0)
