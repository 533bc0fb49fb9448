"""Listening to a hotspot, over real sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.events import Bus, CatalogueChanged, SticksChanged
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model.notices import CatalogueNotice, StickNotice, SticksNotice, Topic
from hotspot.phones import live
from hotspot.phones.live import PATH, Live
from tests.http.parts import FLOOR_MS
from tests.support.events import Told, parse

WAIT_S = 10.0


@dataclass
class Village:
    """What there is to tell: `revision`, and one stick that says `message`."""

    revision: str = "r1"
    message: str = "hello"
    bus: Bus = field(default_factory=Bus)
    port: int = 0
    live: Live = field(init=False)

    async def catalogue(self) -> CatalogueNotice:
        return CatalogueNotice(revision=self.revision)

    async def sticks(self) -> SticksNotice:
        stick = StickNotice(name="A", state="failed", message=self.message)
        return SticksNotice(indication="failed", sticks=[stick])

    def say(self, message: str) -> None:
        self.message = message
        self.bus.publish(SticksChanged())

    def publish(self, revision: str) -> None:
        self.revision = revision
        self.bus.publish(CatalogueChanged())


@asynccontextmanager
async def served(village: Village, **settings: float) -> AsyncIterator[Village]:
    looks = {Topic.CATALOGUE: village.catalogue, Topic.STICKS: village.sticks}
    village.live = told = Live(looks, **settings)
    app = web.Application(middlewares=[error_middleware(Clock(FLOOR_MS))])
    told.mount(app)
    async with serve(app, "127.0.0.1", 0) as port, asyncio.TaskGroup() as group:
        village.port = port
        passing_on = group.create_task(told.run(village.bus))
        yield village
        passing_on.cancel()


@pytest.fixture
async def village() -> AsyncIterator[Village]:
    async with served(Village()) as village:
        yield village


class Listener:
    """A client that reads what it is told."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.heard = ""

    async def until(self, wanted: Callable[[list[Told]], bool]) -> list[Told]:
        """Reads until what came fits; all that came."""
        async with asyncio.timeout(WAIT_S):
            while not wanted(parse(self.heard)):
                chunk = await self.response.content.readany()
                assert chunk, "the stream ended"
                self.heard += chunk.decode()
        return parse(self.heard)

    async def ended(self) -> None:
        """Reads to the end of the stream."""
        async with asyncio.timeout(WAIT_S):
            while await self.response.content.readany():
                continue


@asynccontextmanager
async def listening(village: Village, **headers: str) -> AsyncIterator[Listener]:
    url = f"http://127.0.0.1:{village.port}{PATH}"
    async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as response:
        yield Listener(response)


def topics(told: list[Told]) -> list[str]:
    return [one.topic for one in told]


def messages(told: list[Told]) -> list[str]:
    return [json.loads(one.data)["sticks"][0]["message"] for one in told if one.topic == "sticks"]


async def test_who_connects_is_told_how_things_are(village: Village) -> None:
    async with listening(village) as listener:
        assert listener.response.content_type == "text/event-stream"
        told = await listener.until(lambda told: len(told) == 2)
    assert topics(told) == ["catalogue", "sticks"]
    assert json.loads(told[0].data) == {"revision": "r1"}
    assert messages(told) == ["hello"]


async def test_a_change_is_told_and_what_stays_is_not(village: Village) -> None:
    async with listening(village) as listener:
        await listener.until(lambda told: len(told) == 2)
        village.say("pull me out")
        told = await listener.until(lambda told: len(told) == 3)
        village.bus.publish(SticksChanged())
        village.publish("r2")
        told = await listener.until(lambda told: len(told) == 4)
    assert topics(told) == ["catalogue", "sticks", "sticks", "catalogue"]
    assert told[-1].id == "r2"


async def test_who_comes_back_is_told_what_came_meanwhile(village: Village) -> None:
    village.publish("r2")
    async with listening(village, **{"Last-Event-ID": "r1"}) as listener:
        told = await listener.until(lambda told: len(told) == 2)
    assert json.loads(told[0].data) == {"revision": "r2"}


async def test_who_comes_back_to_the_same_catalogue_is_not_told_of_it(village: Village) -> None:
    async with listening(village, **{"Last-Event-ID": "r1"}) as listener:
        await listener.until(lambda told: len(told) == 1)
        village.say("more")
        told = await listener.until(lambda told: len(told) == 2)
    assert topics(told) == ["sticks", "sticks"]


async def test_what_no_event_told_of_is_told_with_the_heartbeat() -> None:
    async with served(Village(), heartbeat_s=0.05) as village, listening(village) as listener:
        await listener.until(lambda told: len(told) == 2)
        village.message = "quietly"
        told = await listener.until(lambda told: len(told) == 3)
        assert messages(told) == ["hello", "quietly"]
        assert "\n:\n" in listener.heard


async def test_one_address_may_listen_so_often_and_no_more(village: Village) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(live.MOST_OF_ONE):
            listener = await stack.enter_async_context(listening(village))
            await listener.until(lambda told: len(told) == 2)
        refused = await stack.enter_async_context(listening(village))
        assert refused.response.status == 429
        assert int(refused.response.headers["Retry-After"]) > 0
    async with asyncio.timeout(WAIT_S):
        while True:  # those that went free their places once the server has seen it
            async with listening(village) as listener:
                if listener.response.status == 200:
                    return


async def test_all_together_may_listen_so_often_and_no_more(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    async with listening(village) as listener:
        await listener.until(lambda told: len(told) == 2)
        async with listening(village) as refused:
            assert refused.response.status == 429


async def test_who_takes_nothing_is_dropped_and_the_others_are_told() -> None:
    size = 20_000_000
    async with served(Village(message="x" * size), patience_s=0.2) as village:
        with listening_slowly(village) as slow:
            await once(lambda: village.live.listening == 1)
            village.say("short")
            await once(lambda: village.live.listening == 0)
            async with listening(village) as listener:
                assert messages(await listener.until(lambda told: len(told) == 2)) == ["short"]
            assert await asyncio.to_thread(what_is_left, slow) < size


async def test_the_end_of_the_server_ends_the_streams() -> None:
    async with AsyncExitStack() as stack:
        village = await stack.enter_async_context(served(Village()))
        url = f"http://127.0.0.1:{village.port}{PATH}"
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            listener = Listener(response)
            await listener.until(lambda told: len(told) == 2)
            ending = asyncio.create_task(stack.aclose())
            await listener.ended()
            await ending


async def once(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not happened():
            await asyncio.sleep(0.01)


@contextmanager
def listening_slowly(village: Village) -> Iterator[socket.socket]:
    """A client that asks and takes nothing."""
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(WAIT_S)
        slow.connect(("127.0.0.1", village.port))
        slow.sendall(f"GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        yield slow


def what_is_left(slow: socket.socket) -> int:
    """How many bytes come until the connection ends."""
    size = 0
    with suppress(ConnectionError):
        while chunk := slow.recv(1 << 20):
            size += len(chunk)
    return size
