"""The time as nobody in these tests knows it, and a network that loses, repeats and delays.

Every request is real HTTP over the loopback, answered by the real handlers of the node that its
path names: one server stands for all of them.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from hotspot.clock import Clock
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY
from hotspot.http.serving import serve
from hotspot.model import instants

START_MS = instants.to_ms("2030-01-01T00:00:00.000Z")


@dataclass
class Truth:
    """The time, in milliseconds since 1970."""

    ms: int = START_MS

    def now(self, off_ms: int = 0) -> str:
        """What a clock shows that is `off_ms` ahead."""
        return instants.from_ms(self.ms + off_ms)

    def reference(self) -> Clock:
        """A clock that is right."""
        return Clock(0, self.ms, monotonic=lambda: self.ms)


class Fate(StrEnum):
    """What becomes of one request."""

    ARRIVES = "arrives"
    REFUSED = "the connection is closed before it is looked at"
    LOST = "it is answered, the answer is lost"
    TWICE = "it arrives twice"
    DELAYED = "its sender gives up, and it arrives hours later"
    BUSY = "the server is busy"
    CRASHED = "the server loses its power before it commits"
    MEANWHILE = "something happens before the answer arrives"


@dataclass(frozen=True)
class Delayed:
    """A request that is still on its way."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Answering(Protocol):
    """A node that can be asked: `handlers` by the last part of the path."""

    handlers: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]]

    def lose_power(self) -> None:
        """The transaction that is about to be committed is not."""

    def recover(self) -> None:
        """The request during which the power went is over."""


@dataclass
class Network:
    """`fates` befall the requests to come, one each; then all arrive.

    `meanwhile`: what happens while a request with that fate is on its way back.
    """

    truth: Truth
    nodes: dict[str, Answering] = field(default_factory=dict)
    fates: list[Fate] = field(default_factory=list)
    delayed: list[Delayed] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    url: str = ""

    async def start(self, stack: AsyncExitStack) -> None:
        """Serves until the stack is closed."""
        clock = self.truth.reference()
        app = web.Application(
            middlewares=[error_middleware(clock), self._fate], client_max_size=MAX_BODY
        )
        app.add_routes([web.post("/{node}/functions/v1/sync/{what}", self._dispatch)])
        port = await stack.enter_async_context(serve(app, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{port}"
        self.http = await stack.enter_async_context(aiohttp.ClientSession())

    async def deliver(self) -> None:
        """What was delayed arrives, in another order than it was sent; nobody waits for it."""
        waiting, self.delayed = self.delayed, []
        self.fates.clear()
        for one in reversed(waiting):
            async with self.http.post(
                self.url + one.path, data=one.body, headers=one.headers
            ) as response:
                await response.read()

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        node = self.nodes[request.match_info["node"]]
        return await node.handlers[request.match_info["what"]](request)

    @web.middleware
    async def _fate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fate = self.fates.pop(0) if self.fates else Fate.ARRIVES
        if fate is Fate.BUSY:
            raise web.HTTPServiceUnavailable
        if fate is Fate.REFUSED:
            return _cut(request)
        if fate is Fate.DELAYED:
            self.delayed.append(await _copied(request))
            return _cut(request)
        node = self.nodes[request.path.split("/")[1]]
        if fate is Fate.CRASHED:
            node.lose_power()
        try:
            response = await handler(request)
        finally:
            node.recover()
        if fate is Fate.TWICE:
            response = await handler(request)
        if fate is Fate.MEANWHILE:
            self.meanwhile()
        return _cut(request) if fate is Fate.LOST else response


async def _copied(request: web.Request) -> Delayed:
    kept = ("Authorization", "X-Client-Time", "X-Client-Clock", "Content-Encoding", "Content-Type")
    headers = {name: request.headers[name] for name in kept if name in request.headers}
    return Delayed(request.path, headers, await request.read())


def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
