"""The upstream's coming and going is noticed: by the network, by failed requests, by and by."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hotspot.events import Bus, Subscription, UplinkChanged
from hotspot.model import backoff
from hotspot.uplink import reachability
from hotspot.uplink.reachability import Uplink
from tests.support.networks import Machine, two_machines
from tests.support.requirements import needs

PORT = "8090"


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    needs("netns")
    with two_machines() as machines:
        yield machines


async def test_a_cable_pulled_and_plugged_in_again_is_seen(
    machines: tuple[Machine, Machine],
) -> None:
    here, there = machines
    url = f"http://{there.address}:{PORT}"
    async with (
        there.python("tests.uplink.answer", there.address, PORT) as server,
        here.python("tests.uplink.watch", url) as watcher,
    ):
        assert await server.line() == "started"
        assert await watcher.line() == "reachable"
        here.link("down")
        assert await watcher.line() == "out of reach"
        here.link("up")
        assert await watcher.line() == "reachable"


class Upstream:
    """A server on this machine whose answer the test decides."""

    def __init__(self) -> None:
        self.response: web.Response | None = None
        self.silent_for = 0
        self.released = asyncio.Event()
        self.callers: list[object] = []
        self.asked: asyncio.Queue[None] = asyncio.Queue()
        app = web.Application()
        app.add_routes([web.get("/healthz", self._answer)])
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/")).rstrip("/")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.callers.append(request.transport.get_extra_info("peername"))
        self.asked.put_nowait(None)
        if self.silent_for > 0:
            self.silent_for -= 1
            await self.released.wait()
        if self.response is None:
            return web.json_response({"status": "ok"})
        return web.Response(
            status=self.response.status,
            body=self.response.body,
            content_type=self.response.content_type,
            headers={"Location": "/healthz"} if self.response.status == 302 else None,
        )


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    async with upstream.server:
        yield upstream
        upstream.released.set()


class Watched:
    """An Uplink that runs, and what it has published."""

    def __init__(self, uplink: Uplink, events: Subscription) -> None:
        self.uplink = uplink
        self._events = events

    async def change(self) -> bool:
        """The next change: whether the upstream is reachable now."""
        async with asyncio.timeout(20):
            event = await self._events.next()
        assert isinstance(event, UplinkChanged)
        return event.reachable


@asynccontextmanager
async def watching(upstream: Upstream) -> AsyncIterator[Watched]:
    bus = Bus()
    uplink = Uplink(f"{upstream.url}/", bus, settle_s=0.01)
    with bus.listen(UplinkChanged) as events:
        running = asyncio.create_task(uplink.run())
        yield Watched(uplink, events)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()


@pytest.fixture
async def watched(upstream: Upstream) -> AsyncIterator[Watched]:
    async with watching(upstream) as watched:
        yield watched


async def test_an_upstream_that_is_there_at_the_start_is_found(watched: Watched) -> None:
    assert await watched.change() is True
    assert watched.uplink.reachable


async def test_a_probe_that_the_network_has_left_behind_is_given_up(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer would not come before the timeout, and the network that is there now has one."""
    monkeypatch.setattr(reachability, "TIMEOUT", aiohttp.ClientTimeout(total=1_000))
    upstream.silent_for = 1
    async with watching(upstream) as watched:
        await upstream.asked.get()
        watched.uplink.failed()
        assert await watched.change() is True


async def test_each_probe_is_a_connection_of_its_own(watched: Watched, upstream: Upstream) -> None:
    """An old one would say nothing about the network that is there now."""
    assert await watched.change() is True
    async with asyncio.timeout(20):
        for _ in range(3):
            watched.uplink.failed()
            await upstream.asked.get()
    assert len(set(upstream.callers)) == len(upstream.callers) >= 3


async def test_a_failed_request_makes_it_look_again(watched: Watched, upstream: Upstream) -> None:
    assert await watched.change() is True
    upstream.response = web.Response(status=503)
    watched.uplink.failed()
    assert await watched.change() is False
    assert not watched.uplink.reachable


async def test_it_asks_again_and_again_ever_more_seldom(
    watched: Watched, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.001)
    assert await watched.change() is True
    upstream.response = web.Response(status=500)
    watched.uplink.failed()
    assert await watched.change() is False
    async with asyncio.timeout(20):
        for _ in range(8):
            await upstream.asked.get()
    upstream.response = None
    assert await watched.change() is True


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=200, text="<h1>Welcome to our Wi-Fi</h1>", content_type="text/html"),
        web.Response(status=302),
        web.Response(status=404),
        web.Response(status=503, text="{}", content_type="application/json"),
    ],
    ids=["portal", "redirect", "not found", "not ready"],
)
async def test_another_answer_than_the_upstreams_does_not_count(
    watched: Watched, upstream: Upstream, answer: web.Response
) -> None:
    assert await watched.change() is True
    upstream.response = answer
    watched.uplink.failed()
    assert await watched.change() is False


async def test_what_does_not_change_is_not_published(watched: Watched, upstream: Upstream) -> None:
    assert await watched.change() is True
    async with asyncio.timeout(20):
        await upstream.asked.get()
        for _ in range(3):
            watched.uplink.failed()
            await upstream.asked.get()
    upstream.response = web.Response(status=500)
    watched.uplink.failed()
    assert await watched.change() is False
