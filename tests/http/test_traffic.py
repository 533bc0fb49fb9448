"""What is counted and logged of answers, on a real socket."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http.errors import error_middleware
from hotspot.http.files import FileSlice, send
from hotspot.http.serving import serve
from hotspot.http.traffic import watch
from hotspot.model.prometheus import exposition
from hotspot.model.traffic import Traffic
from tests.http.parts import FLOOR_MS

SECRET = "s3cret"


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
async def url(tmp_path: Path, traffic: Traffic) -> AsyncIterator[str]:
    file = tmp_path / "file"
    file.write_bytes(bytes(1_000))

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def fails(_request: web.Request) -> web.Response:
        raise RuntimeError(SECRET)

    async def sends(request: web.Request) -> web.StreamResponse:
        return await send(request, FileSlice(file, 100, 900, "0" * 64, "audio/mpeg", "a"))

    app = web.Application(middlewares=[error_middleware(Clock(FLOOR_MS))])
    app.add_routes([web.get("/hello/{name}", hello), web.get("/fails", fails)])
    app.add_routes([web.get("/file", sends)])
    watch(app, traffic, log_each=True)
    async with serve(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


async def get(url: str, **headers: str) -> None:
    async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as response:
        await response.read()


async def test_a_line_has_nothing_of_who_asked(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hotspot.http.traffic"):
        await get(f"{url}/hello/{SECRET}?key={SECRET}", Authorization=f"Bearer {SECRET}")
        await get(f"{url}/{SECRET}")
    (known, unknown) = [one.getMessage() for one in caplog.records]
    assert known.startswith("GET /hello/{name} 200 5 B ")
    assert unknown.startswith("GET other 404 ")
    assert SECRET not in caplog.text and "127.0.0.1" not in caplog.text


async def test_answers_are_counted_as_the_client_got_them(url: str, traffic: Traffic) -> None:
    await get(f"{url}/hello/a")
    await get(f"{url}/hello/b")
    await get(f"{url}/fails")
    page = exposition(traffic.metrics())
    assert '{method="GET",route="/hello/{name}",status="200"} 2\n' in page
    assert 'sent_bytes_total{route="/hello/{name}"} 10\n' in page
    assert '{method="GET",route="/fails",status="500"} 1\n' in page


async def test_bytes_of_files_are_counted(url: str, traffic: Traffic) -> None:
    await get(f"{url}/file")
    await get(f"{url}/file", Range="bytes=0-99")
    assert 'sent_bytes_total{route="/file"} 1000\n' in exposition(traffic.metrics())
