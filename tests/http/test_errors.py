import logging
import socket
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.errors import PositionGone, TryLater, Unauthorized
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model import instants
from hotspot.model.wire import ErrorBody


async def _gone(request: web.Request) -> web.StreamResponse:
    raise PositionGone("Start over.")


async def _stranger(request: web.Request) -> web.StreamResponse:
    raise Unauthorized("Pair this device first.")


async def _bug(request: web.Request) -> web.StreamResponse:
    raise KeyError("secret detail")


async def _busy(request: web.Request) -> web.StreamResponse:
    raise TryLater("Too much to do.", 2.1)


async def _lost_inside(request: web.Request) -> web.StreamResponse:
    raise ConnectionResetError("the database went away")


async def _moved(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/elsewhere")


@pytest.fixture
async def port(clock: Clock) -> AsyncIterator[int]:
    app = web.Application(middlewares=[error_middleware(clock)])
    app.router.add_get("/gone", _gone)
    app.router.add_get("/stranger", _stranger)
    app.router.add_get("/bug", _bug)
    app.router.add_get("/busy", _busy)
    app.router.add_get("/lost", _lost_inside)
    app.router.add_get("/moved", _moved)
    app.router.add_post("/read", _read)
    async with serve(app, "127.0.0.1", 0) as bound:
        yield bound


async def _read(request: web.Request) -> web.StreamResponse:
    await request.read()
    return web.Response()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/gone", 410, "position_gone"),
        ("GET", "/stranger", 401, "unauthorized"),
        ("GET", "/bug", 500, "failed"),
        ("GET", "/lost", 500, "failed"),
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/gone", 405, "method_not_allowed"),
    ],
)
async def test_every_error_has_one_form(
    port: int, method: str, path: str, status: int, code: str
) -> None:
    async with aiohttp.request(method, f"http://127.0.0.1:{port}{path}") as response:
        body = await response.read()
        error = msgspec.json.decode(body, type=ErrorBody)
        assert response.status == status
        assert response.content_type == "application/json"
        assert error.code == code
        assert error.message.endswith(".")
        assert error.request_id == response.headers["X-Request-ID"]
        assert len(error.request_id) == 32
        assert error.timestamp == instants.parse(error.timestamp)
        assert b"secret" not in body
        assert ("WWW-Authenticate" in response.headers) == (status == 401)
        assert ("Allow" in response.headers) == (status == 405)


async def test_the_log_has_what_the_answer_hides(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.request("GET", f"http://127.0.0.1:{port}/bug") as response:
        request_id = response.headers["X-Request-ID"]
    (record,) = caplog.records
    assert request_id in record.getMessage()
    assert record.exc_info is not None
    assert "secret detail" in str(record.exc_info[1])


async def test_redirections_are_no_errors(port: int) -> None:
    url = f"http://127.0.0.1:{port}/moved"
    async with aiohttp.request("GET", url, allow_redirects=False) as response:
        assert response.status == 302


async def test_a_client_that_goes_away_is_no_error(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with socket.create_connection(("127.0.0.1", port)) as phone:
        phone.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
    async with aiohttp.request("GET", f"http://127.0.0.1:{port}/gone") as response:
        assert response.status == 410
    assert caplog.messages == []


async def test_who_asks_for_patience_says_how_long(port: int) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/busy") as response,
    ):
        assert (response.status, response.headers["Retry-After"]) == (503, "3")
