"""The app over the real store, with packages that the importer published."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.events import Bus
from hotspot.http.auth import authenticate
from hotspot.http.download import fetch
from hotspot.http.serving import serve
from hotspot.importer.importer import Importer
from hotspot.model.wire import PackageDetails, PairResponse
from hotspot.phones.app import build_app
from hotspot.phones.pairing import new_code
from hotspot.store.store import HotspotStore
from tests.http.parts import FLOOR_MS
from tests.support.packages import combined_package, text_package


@dataclass(frozen=True)
class Village:
    store: HotspotStore
    stick: Path
    clock: Clock
    client: aiohttp.ClientSession
    url: str


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    combined_package(folder)
    text_package(folder)
    return folder


@pytest.fixture
async def village(tmp_path: Path, stick: Path) -> AsyncIterator[Village]:
    config = Config(data_dir=tmp_path / "data")
    config.data_dir.mkdir()
    clock = Clock(FLOOR_MS)
    async with HotspotStore.open(config.database, clock) as store:
        importer = Importer(config, store, clock, Bus())
        await importer.prepare()
        await importer.import_folder(stick)

        async def who(request: web.Request) -> web.StreamResponse:
            return web.Response(text=(await authenticate(request, store)).name)

        app = build_app(
            packages=store,
            devices=store,
            folder=config.packages,
            clock=clock,
            name="Kijiji",
            ready=store.ping,
            routes=[web.get("/who", who)],
        )
        async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
            yield Village(store, stick, clock, client, f"http://127.0.0.1:{port}")


async def test_a_package_arrives_byte_for_byte(village: Village, tmp_path: Path) -> None:
    url = f"{village.url}/functions/v1/packages/combined"
    async with village.client.get(url) as response:
        details = msgspec.json.decode(await response.read(), type=PackageDetails)
    body = (village.stick / "combined-1.0.bible").read_bytes()
    assert details.sha256 == sha256(body).hexdigest()
    target = tmp_path / "phone.bible"
    await fetch(village.client, f"{url}/download", target, details.sha256, details.size_in_bytes)
    assert target.read_bytes() == body


async def test_each_chapter_is_heard(village: Village) -> None:
    async with village.client.get(village.url + "/functions/v1/packages/combined") as response:
        files = (await response.json())["manifest"]["audioFileIndex"]
    async with village.client.get(village.url + "/packages/combined") as response:
        page = await response.text()
    assert len(files) == 2
    for file in files:
        path = f"/functions/v1/media/{file['mediaFileId']}"
        assert f'src="{path}"' in page
        async with village.client.get(village.url + path) as response:
            assert response.content_type == "audio/mpeg"
            assert sha256(await response.read()).hexdigest() == file["sha256"]


async def test_the_list_shows_what_was_imported(village: Village) -> None:
    async with village.client.get(village.url + "/") as response:
        page = await response.text()
    for text in ("Test language", "Jonah aloud", "text text", "5 verses", "2 audio files"):
        assert text in page


async def test_a_phone_pairs_and_is_known(village: Village) -> None:
    code, code_hash = new_code()
    await village.store.create_pairing(code_hash, 600_000)
    asked = {"code": code, "name": "Amina"}
    url = village.url + "/functions/v1/devices"
    async with village.client.post(url, json=asked) as response:
        paired = msgspec.json.decode(await response.read(), type=PairResponse)
    headers = {"Authorization": f"Bearer {paired.token}", "X-Device-ID": paired.device_id}
    async with village.client.get(village.url + "/who", headers=headers) as response:
        assert await response.text() == "Amina"
    await village.store.revoke(paired.device_id)
    async with village.client.get(village.url + "/who", headers=headers) as response:
        assert response.status == 401


async def test_health(village: Village) -> None:
    async with village.client.get(village.url + "/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
