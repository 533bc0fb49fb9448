"""What one server bears, on real sockets; 127.0.0.N stand for the addresses of many."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http.errors import error_middleware
from hotspot.http.messages import answer, read
from hotspot.http.rates import limit_rates
from hotspot.http.serving import serve
from hotspot.model.limits import Limits, Rate
from hotspot.model.wire import ErrorBody

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PATIENCE_S = 20.0


class Said(msgspec.Struct):
    text: str = ""


@asynccontextmanager
async def served(clock: Clock, **limits: object) -> AsyncIterator[int]:
    """An app that answers GET at once, POST with its body, and /wait when it is cancelled."""

    async def echo(request: web.Request) -> web.StreamResponse:
        return await answer(request, await read(request, Said))

    async def get(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="hello")

    async def wait(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application(middlewares=[error_middleware(clock)], client_max_size=100_000)
    limit_rates(app, clock)
    app.add_routes([web.get("/", get), web.post("/", echo), web.get("/wait", wait)])
    set_limits = msgspec.convert({**msgspec.structs.asdict(Limits()), **limits}, Limits)
    async with serve(app, "127.0.0.1", 0, limits=set_limits, clock=clock) as port:
        yield port


class Peer:
    """A connection from 127.0.0.`number`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def at(cls, port: int, number: int = 2) -> AsyncIterator["Peer"]:
        where = (f"127.0.0.{number}", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=where)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def status(self) -> int:
        """The status of the next answer, whose body is passed over."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        self.body = await self.reader.readexactly(length)
        return int(head.split()[1])

    async def error(self) -> tuple[int, str]:
        """The status and the code of an answer that is an error in its proper form."""
        status = await self.status()
        return status, msgspec.json.decode(self.body, type=ErrorBody).code

    async def ended(self) -> bool:
        """Waits until the server has closed the connection; whether it did so without a word."""
        try:
            return not await asyncio.wait_for(self.reader.read(), PATIENCE_S)
        except ConnectionError:
            return True


async def test_headers_that_do_not_come_on(clock: Clock) -> None:
    async with served(clock, head_s=0.2) as port, Peer.at(port) as slow, Peer.at(port) as mute:
        slow.writer.write(b"GET / HTTP/1.1\r\nHo")
        assert await slow.error() == (408, "too_slow")
        assert await slow.ended()
        assert await mute.ended()


async def test_headers_that_do_not_come_on_the_second_time(clock: Clock) -> None:
    async with served(clock, head_s=0.2) as port, Peer.at(port) as slow:
        slow.writer.write(GET)
        assert await slow.status() == 200
        slow.writer.write(b"\r\nGE")
        assert await slow.error() == (408, "too_slow")


async def test_a_request_that_takes_long_to_answer_is_not_late(clock: Clock) -> None:
    async with served(clock, head_s=0.1) as port, Peer.at(port) as patient:
        patient.writer.write(GET.replace(b"/ ", b"/wait ", 1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(patient.reader.read(1), 0.5)


@pytest.mark.parametrize("more", [b"a" * 2_000, b"A: b\r\n" * 100])
async def test_headers_without_end(clock: Clock, more: bytes) -> None:
    async with served(clock, head_bytes=500) as port, Peer.at(port) as peer:
        peer.writer.write(b"GET / HTTP/1.1\r\nX: " + more)
        assert await peer.error() == (431, "head_too_large")


async def test_a_body_is_not_counted_as_headers(clock: Clock) -> None:
    said = b'{"text": "%s"}' % (b"a" * 50_000)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(said)
    async with served(clock, head_bytes=200) as port, Peer.at(port) as peer:
        for _ in range(2):
            peer.writer.write(head + said)
            assert await peer.status() == 200


async def test_a_body_that_does_not_come_on(clock: Clock) -> None:
    async with served(clock, body_s=0.2) as port, Peer.at(port) as slow:
        slow.writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{")
        assert await slow.error() == (408, "too_slow")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_without_end(clock: Clock, announced: bool) -> None:
    async with served(clock) as port, Peer.at(port) as peer:
        if announced:
            peer.writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
        else:
            peer.writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            peer.writer.write((b"ffff\r\n" + b"a" * 0xFFFF + b"\r\n") * 2)
        assert (await peer.error())[0] == 413


async def test_a_refusal_is_read_by_who_sends_everything_first(clock: Clock) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n"
    async with served(clock, head_bytes=200) as port, Peer.at(port) as peer:
        peer.writer.write(head)
        for _ in range(3):
            await peer.writer.drain()
            await asyncio.sleep(0.01)
            peer.writer.write(b"a" * 100_000)
        assert (await peer.error())[0] == 413
        peer.writer.write(GET)
        assert await peer.status() == 200


async def test_connections_of_one_address(clock: Clock) -> None:
    async with served(clock, per_address=3) as port, AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(Peer.at(port))
        one_more = await stack.enter_async_context(Peer.at(port))
        assert await one_more.error() == (429, "too_many")
        other = await stack.enter_async_context(Peer.at(port, 3))
        other.writer.write(GET)
        assert await other.status() == 200


async def test_who_is_on_the_machine_has_as_many_as_there_are(clock: Clock) -> None:
    async with served(clock, per_address=1) as port, AsyncExitStack() as stack:
        for _ in range(3):
            peer = await stack.enter_async_context(Peer.at(port, 1))
            peer.writer.write(GET)
            assert await peer.status() == 200


async def test_a_full_server_takes_from_who_has_most(clock: Clock) -> None:
    async with served(clock, connections=4) as port, AsyncExitStack() as stack:
        modest = await stack.enter_async_context(Peer.at(port, 4))
        greedy = [await stack.enter_async_context(Peer.at(port, 5)) for _ in range(3)]
        for peer in (modest, *greedy):
            peer.writer.write(GET)
            assert await peer.status() == 200
        new = await stack.enter_async_context(Peer.at(port, 6))
        new.writer.write(GET)
        assert await new.status() == 200
        assert await greedy[0].ended()
        for peer in (modest, greedy[1], greedy[2]):
            peer.writer.write(GET)
            assert await peer.status() == 200


async def test_a_connection_that_ended_gives_its_place_back(clock: Clock) -> None:
    async with served(clock, per_address=1) as port:
        for _ in range(3):
            async with Peer.at(port) as peer:
                peer.writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                assert await peer.status() == 200
                assert await peer.ended()


async def test_requests_of_one_address(clock: Clock) -> None:
    rate = Rate(3, 0.001)
    async with (
        served(clock, requests=rate) as port,
        Peer.at(port) as peer,
        Peer.at(port, 3) as other,
    ):
        for _ in range(3):
            peer.writer.write(GET)
            assert await peer.status() == 200
        peer.writer.write(GET)
        assert await peer.error() == (429, "too_many")
        other.writer.write(GET)
        assert await other.status() == 200
