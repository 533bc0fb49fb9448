import asyncio
import logging
import socket
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from hotspot.errors import PartUnavailable
from hotspot.http.serving import serve, serve_unix
from hotspot.model.wire import ErrorBody

_LONG = "Got more than 8190 bytes"


async def _hello(request: web.Request) -> web.StreamResponse:
    return web.Response(text="hello")


def _app() -> web.Application:
    app = web.Application()
    app.router.add_get("/", _hello)
    return app


async def test_a_port_in_use_is_an_error() -> None:
    async with serve(_app(), "127.0.0.1", 0) as port:
        with pytest.raises(PartUnavailable, match=f"Port {port} of 127.0.0.1 cannot be used"):
            async with serve(_app(), "127.0.0.1", port):
                pass
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/") as response:
            assert await response.text() == "hello"


async def test_the_port_is_free_again_after_the_block() -> None:
    async with serve(_app(), "127.0.0.1", 0) as port:
        pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port))
    async with serve(_app(), "127.0.0.1", port) as again:
        assert again == port


async def test_names_and_ipv6() -> None:
    async with serve(_app(), "localhost", 0) as port, serve(_app(), "::1", 0) as other:
        for url in (f"http://localhost:{port}/", f"http://[::1]:{other}/"):
            async with aiohttp.request("GET", url) as response:
                assert response.status == 200


async def test_a_unix_socket_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    socket.socket(socket.AF_UNIX).bind(str(path))  # as a killed process leaves it
    async with serve_unix(_app(), path):
        assert path.stat().st_mode & 0o777 == 0o600
        connector = aiohttp.UnixConnector(path=str(path))
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.get("http://hotspot/") as response,
        ):
            assert await response.text() == "hello"
    assert not path.exists()


async def test_a_unix_socket_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / ("long" * 30) / "control.sock"
    with pytest.raises(PartUnavailable, match=r"control\.sock cannot be made \(.*too long"):
        async with serve_unix(_app(), path):
            pass


@pytest.mark.parametrize(
    ("sent", "told", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 400, None, 400),
        (b"SSH-2.0-OpenSSH\r\n", None, 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", _LONG, 431),
        (b"GET / HTTP/1.1\r\nHost: " + b"a" * 9_000 + b"\r\n\r\n", _LONG, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", "Too many headers", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", "Invalid header value char", 400),
        (
            b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "Invalid character in Content-Length",
            400,
        ),
    ],
    ids=["TLS", "SSH", "address", "header", "headers", "NUL", "length"],
)
async def test_bytes_that_are_not_http_cost_a_line(
    caplog: pytest.LogCaptureFixture, sent: bytes, told: str | None, status: int
) -> None:
    """`told`: at the level of information; what other protocols begin with is not even that."""
    caplog.set_level(logging.INFO)
    async with serve(_app(), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/") as response:
            assert await response.text() == "hello"
    assert answer.startswith(b"HTTP/1.0 %d" % status)
    error = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=ErrorBody)
    assert error.code == ("bad_request" if status == 400 else "head_too_large")
    said = [record for record in caplog.records if record.name.startswith("hotspot")]
    assert len(said) == (0 if told is None else 1)
    for record in said:
        assert (record.levelno, record.exc_info) == (logging.INFO, None)
        assert f"not understood as HTTP: {told}" in record.getMessage()
        assert len(record.getMessage()) < 200
    assert not any(record.exc_info for record in caplog.records)


async def test_faults_inside_keep_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(request: web.Request) -> web.StreamResponse:
        raise ZeroDivisionError

    app = web.Application()
    app.router.add_get("/", fails)
    async with (
        serve(app, "127.0.0.1", 0) as port,
        aiohttp.request("GET", f"http://127.0.0.1:{port}/") as response,
    ):
        assert response.status == 500
    (record,) = [one for one in caplog.records if one.exc_info]
    assert record.levelno == logging.ERROR
