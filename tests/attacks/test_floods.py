"""Floods from many addresses (127.0.1.N): bounded, and everybody else is served meanwhile."""

import asyncio
import resource
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.system.nodes import Hotspot

SLOW = [
    1_000,
    pytest.param(2_500, marks=pytest.mark.slow),
    pytest.param(10_000, marks=pytest.mark.slow),
]
ADDRESSES = 100
MEMORY = 80 * 1024 * 1024
"""What a flood may cost the hotspot at most."""
FILES = 700
ORDINARY = 20
PATIENCE_S = 20.0
HEAD = b"POST /functions/v1/sync/changes HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """The attackers are in this process, and each has a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(node: Hotspot) -> int:
    assert node.process is not None
    pages = Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def open_files(node: Hotspot) -> int:
    assert node.process is not None
    return sum(1 for _ in Path(f"/proc/{node.process.pid}/fd").iterdir())


async def connected(port: int, address: str) -> asyncio.StreamWriter:
    """A connection from `address` that leaves no trace when it ends."""
    attacker = socket.socket()
    attacker.setblocking(False)
    attacker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    attacker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    attacker.bind((address, 0))
    await asyncio.get_running_loop().sock_connect(attacker, ("127.0.0.1", port))
    _, writer = await asyncio.open_connection(sock=attacker)
    return writer


@asynccontextmanager
async def attackers(
    port: int, number: int, first: bytes, then: bytes, pause_s: float
) -> AsyncIterator[None]:
    """So many that connect, send `first`, and `then` again and again; the block begins once all
    have tried."""
    gate = asyncio.Semaphore(50)

    async def attack(n: int, tried: asyncio.Event) -> None:
        try:
            async with gate:
                writer = await connected(port, f"127.0.1.{1 + n % ADDRESSES}")
        except OSError:
            tried.set()
            return
        try:
            writer.write(first)
            tried.set()
            while not writer.is_closing():
                writer.write(then)
                await writer.drain()
                await asyncio.sleep(pause_s)
        except OSError:
            pass
        finally:
            tried.set()
            writer.transport.abort()

    events = [asyncio.Event() for _ in range(number)]
    tasks = [asyncio.create_task(attack(n, event)) for n, event in enumerate(events)]
    try:
        await asyncio.gather(*(event.wait() for event in events))
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ordinary(port: int) -> None:
    """A phone that has nothing to do with it is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.2.1", 0))
    writer.write(
        b"GET /functions/v1/packages HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]


async def withstood(node: Hotspot, number: int, first: bytes, then: bytes, pause_s: float) -> None:
    """Others are served during the attack, and it costs no more than it may."""
    before = memory(node)
    async with attackers(node.port, number, first, then, pause_s):
        for _ in range(ORDINARY):
            await ordinary(node.port)
            await asyncio.sleep(0.05)
        assert open_files(node) < FILES
        assert memory(node) - before < MEMORY
    assert node.answers()


@pytest.mark.parametrize("number", SLOW)
async def test_headers_a_byte_a_second(hotspot: Hotspot, number: int) -> None:
    await withstood(hotspot, number, b"GET / HTTP/1.1\r\nX: ", b"a", 1.0)


@pytest.mark.parametrize("number", SLOW)
async def test_bodies_a_byte_a_second(hotspot: Hotspot, number: int) -> None:
    await withstood(hotspot, number, HEAD + b"Content-Length: 9999999\r\n\r\n", b" ", 1.0)


@pytest.mark.parametrize("number", SLOW[:2])
async def test_connections_that_say_nothing(hotspot: Hotspot, number: int) -> None:
    await withstood(hotspot, number, b"", b"", 1.0)


async def test_bodies_without_end(hotspot: Hotspot) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    await withstood(hotspot, 20, head, b"8000\r\n" + b" " * 0x8000 + b"\r\n", 0.01)


@pytest.mark.parametrize("header", [b"X: " + b"a" * 2_000 + b"\r\n", b"A: b\r\n" * 10])
async def test_headers_without_end(hotspot: Hotspot, header: bytes) -> None:
    await withstood(hotspot, 50, b"GET / HTTP/1.1\r\n", header, 0.01)


async def test_requests_without_end(hotspot: Hotspot) -> None:
    request = b"GET /functions/v1/packages HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    await withstood(hotspot, 4, b"", request * 10, 0.01)


async def test_downloads_that_nobody_takes(hotspot: Hotspot) -> None:
    path = b"/functions/v1/packages/combined/download"
    request = b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    await withstood(hotspot, 300, request * 5, b"", 1.0)
