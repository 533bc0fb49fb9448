"""A book's audio as one archive, over a real socket."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.http.parts import noise, put, put_audio
from tests.phones.conftest import Hotspot

PARTS = {"m1": (1_000, 40_000), "m2": (50_000, 30_000), "m3": (90_000, 5_000)}
MANIFEST = {
    "audioFileIndex": [
        {"mediaFileId": "m1", "startVerseId": "ps-1-1", "size": 40_000},
        {"mediaFileId": "m3", "startVerseId": "rev-22-1"},
        {"mediaFileId": "m2", "startVerseId": "ps-2-1", "size": 30_000},
        {"mediaFileId": "m4", "startVerseId": "mark-1-1"},
    ],
}
BODY = noise(100_000)
PSALMS = "/functions/v1/packages/swh/books/ps"


@pytest.fixture
async def listed(hotspot: Hotspot) -> AsyncIterator[Hotspot]:
    stored = put(
        hotspot.packages, hotspot.folder, "swh", BODY, MANIFEST, audio_version_name="Sauti"
    )
    for media_file_id, (offset, size) in PARTS.items():
        put_audio(hotspot.packages, stored, media_file_id, BODY[offset : offset + size], offset)
    yield hotspot


def _part(media_file_id: str) -> bytes:
    offset, size = PARTS[media_file_id]
    return BODY[offset : offset + size]


async def test_all_chapters_of_a_book_come_in_its_order(listed: Hotspot) -> None:
    async with listed.client.get(listed.url + PSALMS) as response:
        assert (response.status, response.content_type) == (200, "application/zip")
        assert response.content_disposition is not None
        assert response.content_disposition.filename == "Kiswahili - Psalms (Sauti).zip"
        body = await response.read()
        assert len(body) == int(response.headers["Content-Length"])
    with ZipFile(BytesIO(body)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["1 Psalms 1.mp3", "2 Psalms 2.mp3"]
        assert [found.read(name) for name in found.namelist()] == [_part("m1"), _part("m2")]


async def test_it_is_gone_on_with(listed: Hotspot, tmp_path: Path) -> None:
    async with listed.client.get(listed.url + PSALMS) as response:
        whole, tag = await response.read(), response.headers["ETag"]
    target = tmp_path / "book.zip"
    target.write_bytes(whole[:45_678])
    command = ("curl", "-sS", "-f", "-C", "-", "-o", str(target), listed.url + PSALMS)
    assert (await asyncio.to_thread(subprocess.run, command, check=False)).returncode == 0
    assert target.read_bytes() == whole
    headers = {"Range": "bytes=0-9,60000-", "If-Range": tag}
    async with listed.client.get(listed.url + PSALMS, headers=headers) as response:
        assert response.status == 206
        assert whole[60_000:] in await response.read()


async def test_other_audio_is_another_archive(listed: Hotspot) -> None:
    async with listed.client.get(listed.url + PSALMS) as response:
        tag = response.headers["ETag"]
    async with listed.client.get(listed.url + PSALMS, headers={"If-None-Match": tag}) as response:
        assert response.status == 304
    put_audio(listed.packages, listed.packages.stored["swh"], "m2", BODY[:500], 0)
    async with listed.client.get(listed.url + PSALMS, headers={"If-None-Match": tag}) as response:
        assert response.status == 200
        assert response.headers["ETag"] != tag


async def test_checksums_are_computed_once(listed: Hotspot) -> None:
    async with listed.client.head(listed.url + PSALMS) as response:
        tag = response.headers["ETag"]
    assert len(listed.packages.crc32s) == 2
    for sha256 in listed.packages.crc32s:
        listed.packages.crc32s[sha256] = 7
    async with listed.client.head(listed.url + PSALMS) as response:
        assert response.headers["ETag"] != tag  # what is kept is what is used


async def test_chapters_that_are_not_here_are_left_out(listed: Hotspot) -> None:
    del listed.packages.here["m1"]
    async with listed.client.get(listed.url + PSALMS) as response:
        with ZipFile(BytesIO(await response.read())) as found:
            assert found.namelist() == ["2 Psalms 2.mp3"]


@pytest.mark.parametrize("path", ["no/books/ps", "swh/books/no", "swh/books/mark"])
async def test_what_is_not_here(listed: Hotspot, path: str) -> None:
    async with listed.client.get(f"{listed.url}/functions/v1/packages/{path}") as response:
        assert response.status == 404
        assert (await response.json())["code"] == "not_found"


async def test_the_file_is_gone(listed: Hotspot) -> None:
    (listed.folder / listed.packages.stored["swh"].file_name).unlink()
    async with listed.client.get(listed.url + PSALMS) as response:
        assert response.status == 404


async def test_the_page_leads_to_it(listed: Hotspot) -> None:
    page = await listed.page("/packages/swh")
    assert f'href="{PSALMS}"' in page
    assert "Download Psalms as audio (2 chapters, 70.0 kB)" in page
    assert "Revelation 22" in page
    assert ".bible" in page
    assert ".bible" in await listed.page("/")
