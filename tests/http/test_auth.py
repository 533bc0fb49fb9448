from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http.auth import authenticate, hash_token, new_token
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model.stores import Device
from tests.http.parts import MemoryDevices

TOKEN = new_token()


@pytest.fixture
async def url(clock: Clock) -> AsyncIterator[str]:
    devices = MemoryDevices()
    devices.devices[hash_token(TOKEN)] = Device(id="d1", name="Amina", role="editor")

    async def who(request: web.Request) -> web.StreamResponse:
        return web.Response(text=(await authenticate(request, devices)).name)

    app = web.Application(middlewares=[error_middleware(clock)])
    app.router.add_get("/", who)
    async with serve(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize("headers", [{}, {"X-Device-ID": "d1"}])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_known_token(url: str, scheme: str, headers: dict[str, str]) -> None:
    headers = {**headers, "Authorization": f"{scheme} {TOKEN}"}
    async with aiohttp.request("GET", url, headers=headers) as response:
        assert (response.status, await response.text()) == (200, "Amina")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {hash_token(TOKEN)}"}, 401),
        ({"Authorization": "Bearer \udcff"}, 401),
        ({"Authorization": f"Bearer {TOKEN}", "X-Device-ID": "d2"}, 403),
    ],
)
async def test_others(url: str, headers: dict[str, str], status: int) -> None:
    async with aiohttp.request("GET", url, headers=headers) as response:
        assert response.status == status


def test_tokens() -> None:
    assert new_token() != new_token()
    assert len(new_token()) >= 43
    assert hash_token("abc").startswith("ba7816bf")
