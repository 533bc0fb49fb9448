"""The hotspot's app on a real socket, over stores in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.errors import TryLater
from hotspot.http.serving import serve
from hotspot.phones.app import build_app
from tests.http.parts import FLOOR_MS, MemoryDevices, MemoryPackages


@dataclass
class Hotspot:
    """A served hotspot. `monotonic_ms`: what its clock counts. `broken`: it cannot serve."""

    packages: MemoryPackages
    devices: MemoryDevices
    folder: Path
    client: aiohttp.ClientSession = field(init=False)
    url: str = ""
    monotonic_ms: int = 0
    broken: bool = False

    async def ready(self) -> None:
        if self.broken:
            raise TryLater("The database does not answer.")

    async def page(self, path: str) -> str:
        async with self.client.get(self.url + path) as response:
            assert response.status == 200
            return await response.text()


async def _extra(request: web.Request) -> web.StreamResponse:
    return web.Response(text="extra")


@pytest.fixture
def clocked(tmp_path: Path) -> tuple[Hotspot, Clock]:
    hotspot = Hotspot(MemoryPackages(), MemoryDevices(), tmp_path)
    return hotspot, Clock(FLOOR_MS, monotonic=lambda: hotspot.monotonic_ms)


@pytest.fixture
async def hotspot(clocked: tuple[Hotspot, Clock]) -> AsyncIterator[Hotspot]:
    hotspot, clock = clocked
    app = build_app(
        packages=hotspot.packages,
        devices=hotspot.devices,
        folder=hotspot.folder,
        clock=clock,
        name="Kijiji & Co",
        ready=hotspot.ready,
        routes=[web.get(path, _extra) for path in ("/extra", "/imports", "/neighbours")],
    )
    async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
        hotspot.client = client
        hotspot.url = f"http://127.0.0.1:{port}"
        yield hotspot
