"""What a running hotspot tells those who listen while a stick is read."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotspot.config import Config
from hotspot.daemon import Core, open_core, phones_app
from hotspot.http.serving import serve
from hotspot.phones.live import PATH
from tests.support.events import parse
from tests.support.packages import text_package

WAIT_S = 20.0


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return text_package(tmp_path / "stick").parent


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    config = Config(data_dir=tmp_path / "data", drives_folder=tmp_path / "sticks")
    async with open_core(config) as core:
        yield core


async def heard(response: aiohttp.ClientResponse, stream: str, count: int) -> str:
    """The stream once it has so many events of the catalogue."""
    async with asyncio.timeout(WAIT_S):
        while [one.topic for one in parse(stream)].count("catalogue") < count:
            stream += (await response.content.readany()).decode()
    return stream


async def test_an_import_is_told_and_so_is_the_catalogue_that_has_it(
    core: Core, stick: Path
) -> None:
    async with serve(phones_app(core), "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
        running = asyncio.create_task(core.live.run(core.bus))
        async with client.get(f"http://127.0.0.1:{port}{PATH}") as response:
            stream = await heard(response, "", 1)
            await core.importer.import_folder(stick)
            told = parse(await heard(response, stream, 2))
        running.cancel()
    last: dict[str, Any] = {one.topic: json.loads(one.data) for one in told}
    assert last["catalogue"] == {"revision": core.store.catalogue_revision}
    assert last["conflicts"] == {"waiting": 0}
    assert last["sync"] == {"reachable": None, "underWay": False, "pending": 0, "message": None}
    assert last["sticks"] == {"indication": "idle", "sticks": []}
    revisions = [one.id for one in told if one.topic == "catalogue"]
    assert len(set(revisions)) == len(revisions)
