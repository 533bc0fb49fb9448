"""Bodies in and out, on a server whose handler gives back what it understood."""

import gzip
import logging
import os
import resource
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from hotspot.clock import Clock
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY, accepts_gzip, answer, read
from hotspot.http.serving import serve
from hotspot.model.wire import ErrorBody, UploadRequest


@dataclass(frozen=True)
class Echo:
    client: aiohttp.ClientSession
    url: str

    async def post(self, body: bytes, **headers: str) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(self.url, data=body, headers=named) as response:
            return response.status, await response.read()


async def _echo(request: web.Request) -> web.StreamResponse:
    return await answer(request, await read(request, UploadRequest))


@pytest.fixture
async def echo(clock: Clock) -> AsyncIterator[Echo]:
    app = web.Application(middlewares=[error_middleware(clock)], client_max_size=MAX_BODY)
    app.router.add_post("/", _echo)
    async with (
        serve(app, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(auto_decompress=False) as client,
    ):
        yield Echo(client, f"http://127.0.0.1:{port}/")


def _upload(size: int) -> bytes:
    """An UploadRequest of about `size` bytes."""
    return b'{"changes":[],"batchId":"%s"}' % os.urandom(size // 2).hex().encode()


@pytest.mark.parametrize("size", [10, 5_000, 500_000])
async def test_gzip_both_ways(echo: Echo, size: int) -> None:
    body = _upload(size)
    status, answered = await echo.post(
        gzip.compress(body), Content_Encoding="gzip", Accept_Encoding="gzip"
    )
    assert status == 200
    assert (answered == body) == (size == 10)
    assert (gzip.decompress(answered) if size > 10 else answered) == body


async def test_plain_where_gzip_is_not_accepted(echo: Echo) -> None:
    body = _upload(5_000)
    assert await echo.post(body, Accept_Encoding="gzip;q=0, br") == (200, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\x00\x7f",
        b"null",
        b"[]",
        b"{}",
        b'{"changes": 1}',
        b'{"changes": [], "batchId": "\xff"}',
        b'{"changes": [],',
        b'{"changes": [' + b"[" * 500_000,
    ],
)
async def test_garbage_is_refused_with_a_sentence(echo: Echo, body: bytes) -> None:
    status, answered = await echo.post(body)
    error = msgspec.json.decode(answered, type=ErrorBody)
    assert (status, error.code) == (400, "bad_request")
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        (rb"cut \ud83d", "cut \0"),
        (rb"\uDE00 cut", "\0 cut"),
        (rb"whole \ud83d\ude00, \\ud800 and \ud83d", "whole \U0001f600, \\ud800 and \0"),
    ],
)
async def test_half_a_character_costs_no_more_than_its_text(
    echo: Echo, text: bytes, understood: str
) -> None:
    """The field that has it will refuse a NUL; the echo answers with what was understood."""
    status, answered = await echo.post(b'{"changes": [{"verse_text": "%b"}]}' % text)
    assert status == 200
    assert msgspec.json.decode(answered)["changes"][0]["verse_text"] == understood


@given(st.binary())
def test_no_bytes_are_a_message_by_chance(body: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        msgspec.json.decode(body, type=UploadRequest)


@pytest.mark.parametrize(
    "damage", ["not gzip", "bad bytes", "cut off", "checksum", "more after it"]
)
async def test_damaged_gzip_is_refused(
    echo: Echo, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = gzip.compress(_upload(5_000))
    body = {
        "not gzip": b"plain text",
        "bad bytes": whole[:200] + b"????" + whole[204:],
        "cut off": whole[: len(whole) // 2],
        "checksum": whole[:-8] + bytes(8),
        "more after it": whole + b"x",
    }[damage]
    status, answered = await echo.post(body, Content_Encoding="gzip")
    assert (status, msgspec.json.decode(answered, type=ErrorBody).code) == (400, "bad_request")
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_a_body_over_the_limit_is_refused(echo: Echo) -> None:
    status, answered = await echo.post(_upload(MAX_BODY + 1_000))
    assert status == 413
    assert msgspec.json.decode(answered, type=ErrorBody).code is not None
    assert (await echo.post(_upload(MAX_BODY - 1_000)))[0] == 200


async def test_a_gzip_bomb_costs_little_memory(echo: Echo) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(10_000_000)) for _ in range(20)) + packer.flush()
    assert len(bomb) < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status, answered = await echo.post(bomb, Content_Encoding="gzip")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert status == 413
    assert msgspec.json.decode(answered, type=ErrorBody).code == "request_entity_too_large"
    assert after - before < 4 * MAX_BODY // 1024


@pytest.mark.parametrize("unpacked_by_the_server", [False, True])
async def test_any_server_will_do(clock: Clock, unpacked_by_the_server: bool) -> None:
    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post("/", _echo)
    runner = web.AppRunner(app, auto_decompress=unpacked_by_the_server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    body = _upload(5_000)
    async with aiohttp.ClientSession() as client:
        echo = Echo(client, f"http://127.0.0.1:{runner.addresses[0][1]}/")
        assert await echo.post(gzip.compress(body), Content_Encoding="gzip") == (200, body)
    await runner.cleanup()


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("*;q=0, gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("x-gzip", False),
    ],
)
def test_accept_encoding(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
