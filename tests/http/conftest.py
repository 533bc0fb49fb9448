"""The catalogue, served on a real socket."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http.catalogue import routes
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY
from hotspot.http.serving import serve
from tests.http.parts import FLOOR_MS, MemoryPackages


@dataclass(frozen=True)
class Shelf:
    """A served catalogue, and a client to ask it with; `folder` has the packages' files."""

    packages: MemoryPackages
    folder: Path
    client: aiohttp.ClientSession
    url: str


@pytest.fixture
def clock() -> Clock:
    return Clock(FLOOR_MS)


@pytest.fixture
async def shelf(tmp_path: Path, clock: Clock) -> AsyncIterator[Shelf]:
    packages = MemoryPackages()
    app = web.Application(middlewares=[error_middleware(clock)], client_max_size=MAX_BODY)
    app.add_routes(routes(packages, tmp_path))
    async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
        yield Shelf(packages, tmp_path, client, f"http://127.0.0.1:{port}")
