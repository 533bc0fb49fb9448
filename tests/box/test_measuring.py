"""Downloads and measures of a hotspot, from the requests to what is shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hotspot.box.measuring import room
from hotspot.config import Config
from hotspot.control.operations import perform
from hotspot.daemon import Core, open_core, phones_app
from hotspot.errors import CannotWrite
from hotspot.http.serving import serve
from hotspot.model.downloads import DownloadCount
from tests.support.packages import text_package

FILE = "/functions/v1/packages/text/download"


@dataclass
class Village:
    core: Core
    url: str
    http: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> bytes:
        async with self.http.get(self.url + path, headers=headers) as response:
            return await response.read()

    async def downloads(self) -> list[Any]:
        status = await perform(self.core.operations, "status", {})
        found: list[Any] = status["downloads"]
        return found


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return text_package(tmp_path / "stick").parent


@pytest.fixture
async def village(tmp_path: Path, stick: Path) -> AsyncIterator[Village]:
    config = Config(data_dir=tmp_path / "data", drives_folder=tmp_path / "sticks")
    async with open_core(config) as core, aiohttp.ClientSession() as http:
        await core.importer.import_folder(stick)
        async with serve(phones_app(core), "127.0.0.1", 0) as port:
            yield Village(core, f"http://127.0.0.1:{port}", http)


async def test_a_download_counts_once_it_came_to_its_end(village: Village) -> None:
    whole = await village.get(FILE)
    await village.get(FILE, Range=f"bytes=0-{len(whole) - 2}")
    assert [one["count"] for one in await village.downloads()] == [1]
    await village.get(FILE, Range="bytes=100-")
    today = village.core.clock.now()[:10]
    assert await village.downloads() == [{"day": today, "packageId": "text", "count": 2}]


async def test_what_sends_no_file_is_no_download(village: Village) -> None:
    async with village.http.head(village.url + FILE) as response:
        tag = response.headers["ETag"]
    await village.get(FILE, **{"If-None-Match": tag})
    await village.get(FILE, Range="bytes=999999999-")
    assert await village.downloads() == []


async def test_what_the_card_does_not_take_is_kept_in_mind(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    await village.get(FILE)
    with monkeypatch.context() as broken:
        broken.setattr(village.core.store, "add_downloads", _refuse)
        assert await village.downloads() == []
    assert [one["count"] for one in await village.downloads()] == [1]


async def _refuse(_counts: list[DownloadCount]) -> None:
    raise CannotWrite


async def test_the_metrics_have_all_measures(village: Village) -> None:
    whole = await village.get(FILE)
    page = (await village.get("/metrics")).decode()
    route = 'route="/functions/v1/packages/{package_id}/download"'
    for line in (
        'hotspot_downloads_total{package="text"} 1',
        f'hotspot_http_requests_total{{method="GET",{route},status="200"}} 1',
        f"hotspot_http_sent_bytes_total{{{route}}} {len(whole)}",
        f'hotspot_stored_bytes{{part="packages"}} {len(whole)}',
        'hotspot_imports_under_way{phase="copying"} 0',
    ):
        assert f"{line}\n" in page
    for name in ("hotspot_disk_free_bytes", "hotspot_disk_bytes", 'stored_bytes{part="database"}'):
        assert name in page


def test_room_is_told_of_a_folder_that_has_nothing_yet(tmp_path: Path) -> None:
    found = room(Config(data_dir=tmp_path))
    assert (found.database, found.packages, found.incoming) == (0, 0, 0)
    assert 0 < found.free <= found.total
