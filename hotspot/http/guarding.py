"""Connections within what a server bears: how many, of whom, and how long a request may begin."""

import asyncio
import re
from itertools import count
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.typedefs import Handler

from hotspot.clock import Clock
from hotspot.errors import BadRequest, HeadTooLarge, HotspotError, TooMany, TooSlow
from hotspot.http.errors import refusal
from hotspot.http.rates import plain_address
from hotspot.http.strangers import server_log
from hotspot.model.limits import Limits, Open, makes_room

KEEPALIVE_SECONDS = 60
"""How long an idle connection is kept for the next request."""
LINGERING_SECONDS = 5
"""For how long more of a body is taken that was refused, so that the refusal is read."""
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_OVERLAP = 3
"""Bytes of the end of a head that may have come with the piece before."""
_TOO_MANY_HEADERS = "Too many headers"


class Guard:
    """The connections of one server. `clock`: for the times in refusals."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self.clock = clock
        self._numbers = count()
        self._open: dict[int, GuardedHandler] = {}

    def admit(self, handler: "GuardedHandler") -> int | None:
        """The number of a new connection; None: there is no room for it.

        Another one may be closed for it.
        """
        if handler.address not in self.limits.unlimited:
            own = sum(one.address == handler.address for one in self._open.values())
            if own >= self.limits.per_address:
                return None
        if len(self._open) >= self.limits.connections and not self._make_room(handler.address):
            return None
        number = next(self._numbers)
        self._open[number] = handler
        return number

    def forget(self, number: int) -> None:
        """The connection is no more."""
        self._open.pop(number, None)

    def _make_room(self, newcomer: str) -> bool:
        found = makes_room((one.described(number) for number, one in self._open.items()), newcomer)
        if found is None:
            return False
        self._open.pop(found.number).drop()
        return True


class GuardedHandler(web.RequestHandler):
    """aiohttp's side of a connection, within the limits of a guard.

    A request's line and headers may be so large and take so long; where they are not understood,
    the answer has the form of all errors.
    """

    __slots__ = (
        "_answering",
        "_body",
        "_guard",
        "_head",
        "_late",
        "_number",
        "_seen",
        "_since",
        "address",
    )

    def __init__(self, guard: Guard, manager: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(manager, loop=loop, **connection_options())
        self.address = ""
        self._guard = guard
        self._number: int | None = None
        self._body: StreamReader | None = None
        self._late: asyncio.TimerHandle | None = None
        self._expect_head(loop.time())

    def _expect_head(self, now: float) -> None:
        """`_seen`: bytes of the head so far, None once it has ended; `_head`: the last of them."""
        self._answering = False
        self._seen: int | None = 0
        self._head = b""
        self._since = now

    def described(self, number: int) -> Open:
        """This connection, for a decision."""
        return Open(number, self.address, self._answering, self._since)

    def drop(self) -> None:
        """Ends the connection at once; what is still to be sent might never be taken."""
        if self.transport is not None:
            self.transport.abort()

    def begin(self) -> None:
        """A request is being answered from now on."""
        self._head_ended()
        self._answering = True
        self._since = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.address = plain_address(peer[0] if peer else None)
        self._number = self._guard.admit(self)
        if self._number is None:
            self._refuse(TooMany("Too many connections are open; close some."))
        else:
            self._late = self._loop.call_later(self._guard.limits.head_s, self._head_is_late)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._number is not None:
            self._guard.forget(self._number)
        self._head_ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._seen is not None and not self._answering and not self._has_body_to_come():
            self._look_at_head(data)
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._expect_head(self._loop.time())
            self._body = request.content

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = super().handle_error(request, status, exc, message)
        if not isinstance(exc, HttpProcessingError) or status >= 500:
            return response
        told = refusal(self._guard.clock, _explained(exc))
        told.force_close()
        return told

    def _has_body_to_come(self) -> bool:
        """Whether the body of a request that was answered already is not all here."""
        return self._body is not None and not self._body.is_eof()

    def _look_at_head(self, data: bytes) -> None:
        assert self._seen is not None
        fresh = data if self._seen else data.lstrip(b"\r\n")
        ends = _HEAD_ENDS.search(self._head + fresh)
        self._seen += ends.end() if ends else len(fresh)
        if self._seen > self._guard.limits.head_bytes:
            self._refuse(_too_large())
        elif ends:
            self._head_ended()
        elif fresh:
            self._head = (self._head + fresh)[-_OVERLAP:]
            if self._late is None:
                self._late = self._loop.call_later(self._guard.limits.head_s, self._head_is_late)

    def _head_ended(self) -> None:
        self._seen = None
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _head_is_late(self) -> None:
        """Who began a request is told; who never began is only let go."""
        self._late = None
        if self._seen:
            self._refuse(TooSlow("The request's headers came too slowly."))
        else:
            self.force_close()

    def _refuse(self, error: HotspotError) -> None:
        """Answers without a request, and closes."""
        if self.transport is not None:
            self.transport.write(_written(refusal(self._guard.clock, error)))
        self.force_close()


def connection_options() -> dict[str, Any]:
    """How every connection is served, guarded or not."""
    return {
        "access_log": None,
        "logger": server_log(),
        "auto_decompress": False,  # it would go on unpacking after the handler has refused a bomb
        "keepalive_timeout": KEEPALIVE_SECONDS,
        "lingering_time": LINGERING_SECONDS,
    }


@web.middleware
async def answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells the connection that its request is being answered."""
    if isinstance(request.protocol, GuardedHandler):
        request.protocol.begin()
    return await handler(request)


def _explained(error: HttpProcessingError) -> HotspotError:
    if isinstance(error, LineTooLong) or error.message.startswith(_TOO_MANY_HEADERS):
        return _too_large()
    return BadRequest("The request is not understood as HTTP.")


def _too_large() -> HotspotError:
    return HeadTooLarge("The request's address and headers are too large.")


def _written(response: web.Response) -> bytes:
    """The response as bytes on the wire, with which the connection ends."""
    body = response.body
    assert isinstance(body, bytes)
    headers = {**response.headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
