"""Sending pieces over a connection: the kernel takes those in files straight from the disk."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from aiohttp import web

from hotspot.http.opened import Files
from hotspot.http.pieces import Piece

log = logging.getLogger(__name__)

ASK_EVERY_S = 5.0
_CHUNK = 256 * 1024


@contextmanager
def corked(transport: asyncio.Transport | None) -> Iterator[None]:
    """Whatever is sent in the block goes out in full packets; what is left, at its end.

    Otherwise the headers are a packet of their own, and wake the receiver before the first byte.
    """
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is None or connection.family == socket.AF_UNIX:
        yield
        return
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    try:
        yield
    finally:
        with suppress(OSError):  # it may be closed by now
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)


async def send_pieces(
    request: web.Request, response: web.StreamResponse, pieces: Iterable[Piece], files: Files
) -> int:
    """Sends the pieces, or closes the connection: what was promised cannot be taken back.

    Returns how many bytes were sent.
    """
    outlet = _Outlet(request, response)
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                await response.write(piece)
                outlet.sent += len(piece)
            else:
                async with files.open(piece.path) as file:
                    await outlet.send(file, piece.offset, piece.size)
    except (ConnectionError, TimeoutError):
        outlet.abort()
    except OSError as error:
        log.error("Reading a file to send failed: %s.", error)
        outlet.abort()
    return outlet.sent


class _Outlet:
    """The connection of a request. `sent`: how many bytes of the body it took."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._transport = request.transport
        self._response = response
        self.sent = 0

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def send(self, file: BinaryIO, offset: int, size: int) -> None:
        """Sends a part of a file. Raises ConnectionError where nobody takes it, and OSError."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        if transport.get_extra_info("sslcontext") is not None:
            await self._copy(file, offset, size)
        elif transport.get_write_buffer_size() > 0:
            self.sent += await asyncio.get_running_loop().sendfile(
                transport, file, offset, size, fallback=False
            )
        else:
            await self._hand_over(transport, file.fileno(), offset, size)

    async def _hand_over(
        self, transport: asyncio.Transport, descriptor: int, offset: int, size: int
    ) -> None:
        """`loop.sendfile`, without what that does before and after: chapters are short."""
        out, end = transport.get_extra_info("socket").fileno(), offset + size
        while offset < end:
            try:
                taken = os.sendfile(out, descriptor, offset, end - offset)
            except BlockingIOError:
                await _takes_more(transport, out)
                continue
            if taken == 0:
                raise OSError(f"it has become shorter by {end - offset} bytes")
            offset += taken
            self.sent += taken

    async def _copy(self, file: BinaryIO, offset: int, size: int) -> None:
        """The way for transports that the kernel cannot send to by itself: TLS."""
        end = offset + size
        while offset < end:
            wanted = min(_CHUNK, end - offset)
            chunk = await asyncio.to_thread(os.pread, file.fileno(), wanted, offset)
            if not chunk:
                raise OSError(f"it has become shorter by {end - offset} bytes")
            await self._response.write(chunk)
            offset += len(chunk)
            self.sent += len(chunk)


async def _takes_more(transport: asyncio.Transport, out: int) -> None:
    """Returns once the connection's peer takes more. Raises ConnectionError where it is gone.

    A duplicate of the descriptor is watched, because the loop lets nobody but the transport
    watch its own. Nobody tells that a transport was aborted here, so it is asked now and then.
    """
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    watched = os.dup(out)
    try:
        loop.add_writer(watched, ready.set)
        while not ready.is_set() and not transport.is_closing():
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_EVERY_S):
                    await ready.wait()
    finally:
        loop.remove_writer(watched)
        os.close(watched)
    if transport.is_closing():
        raise ConnectionResetError
