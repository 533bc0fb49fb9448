"""Downloads against the real catalogue, and against servers that break off or lie."""

import contextlib
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hotspot.errors import (
    HotspotError,
    NoSpace,
    PackageRefused,
    TryLater,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hotspot.http.download import fetch
from hotspot.http.serving import serve
from tests.http.conftest import Shelf
from tests.http.parts import noise, put

BODY = noise(3_000_000)
HASH = sha256(BODY).hexdigest()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder / "swh.bible"


@asynccontextmanager
async def _served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", handler)
    async with serve(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/"


async def _fetch(url: str, target: Path, digest: str = HASH, size: int = len(BODY)) -> None:
    async with aiohttp.ClientSession() as session:
        await fetch(session, url, target, digest, size)


def _whole(target: Path) -> bool:
    return target.read_bytes() == BODY


def _left(target: Path) -> dict[str, int]:
    """What lies in the target's folder: names and sizes."""
    return {path.name: path.stat().st_size for path in target.parent.iterdir()}


@pytest.mark.parametrize("before", [0, 1, 1_234_567, len(BODY) - 1, len(BODY), len(BODY) + 5])
async def test_goes_on_where_it_stopped(shelf: Shelf, target: Path, before: int) -> None:
    put(shelf.packages, shelf.folder, "swh", BODY)
    if before:
        target.with_name("swh.bible.part").write_bytes((BODY + b"extra")[:before])
    await _fetch(f"{shelf.url}/functions/v1/packages/swh/download", target)
    assert _whole(target)
    assert _left(target) == {"swh.bible": len(BODY)}


async def test_a_transfer_that_is_cut_again_and_again(target: Path) -> None:
    begun_at: list[int] = []

    async def cut(request: web.Request) -> web.StreamResponse:
        """Sends a third of the file from where it is asked to begin, and hangs up."""
        first = int(request.headers.get("Range", "bytes=0-")[6:-1])
        begun_at.append(first)
        headers = {"Content-Length": str(len(BODY) - first)}
        if first:
            assert request.headers["If-Range"] == f'"{HASH}"'
            headers["Content-Range"] = f"bytes {first}-{len(BODY) - 1}/{len(BODY)}"
        response = web.StreamResponse(status=206 if first else 200, headers=headers)
        await response.prepare(request)
        await response.write(BODY[first : first + 1_000_000])
        if len(BODY) - first > 1_000_000:
            assert request.transport is not None
            request.transport.close()
        return response

    async with _served(cut) as url:
        for _ in range(10):
            with contextlib.suppress(UpstreamUnreachable):
                await _fetch(url, target)
                break
            assert _left(target).keys() == {"swh.bible.part"}
    assert _whole(target)
    assert begun_at[0] == 0
    assert all(before < after for before, after in pairwise(begun_at))
    assert len(begun_at) >= 3


async def test_begins_anew_where_the_file_has_changed(target: Path) -> None:
    async def whole(request: web.Request) -> web.StreamResponse:
        assert "Range" in request.headers
        return web.Response(body=BODY)

    target.with_name("swh.bible.part").write_bytes(b"of another version")
    async with _served(whole) as url:
        await _fetch(url, target)
    assert _whole(target)


@pytest.mark.parametrize("wrong", [BODY[:-1] + b"x", BODY + b"more"])
async def test_another_file_is_refused_and_dropped(target: Path, wrong: bytes) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=wrong)

    async with _served(handler) as url:
        with pytest.raises(PackageRefused):
            await _fetch(url, target)
    assert _left(target) == {}


async def test_a_body_without_end_is_left_early(target: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(100_000))

    async with _served(endless) as url:
        with pytest.raises(PackageRefused):
            await _fetch(url, target)
    assert _left(target) == {}


@pytest.mark.parametrize("part", ["bytes 9-2999999/3000000", "bytes 10-2999998/2999999", "x"])
async def test_another_part_than_asked_for_is_not_taken(target: Path, part: str) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=206, headers={"Content-Range": part}, body=BODY[10:])

    target.with_name("swh.bible.part").write_bytes(BODY[:10])
    async with _served(handler) as url:
        with pytest.raises(UpstreamRefused):
            await _fetch(url, target)
    assert _left(target) == {"swh.bible.part": 10}


async def test_a_part_that_was_damaged_is_dropped(shelf: Shelf, target: Path) -> None:
    put(shelf.packages, shelf.folder, "swh", BODY)
    url = f"{shelf.url}/functions/v1/packages/swh/download"
    target.with_name("swh.bible.part").write_bytes(bytes(1_000))
    with pytest.raises(PackageRefused):
        await _fetch(url, target)
    assert _left(target) == {}
    await _fetch(url, target)
    assert _whole(target)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, UpstreamRefused),
        (403, UpstreamRefused),
        (204, UpstreamRefused),
        (206, UpstreamRefused),
        (429, TryLater),
        (503, TryLater),
    ],
)
async def test_other_answers_keep_the_part(
    target: Path, status: int, error: type[HotspotError]
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Content-Range": "bytes 5-9/10"})

    target.with_name("swh.bible.part").write_bytes(BODY[:10])
    async with _served(handler) as url:
        with pytest.raises(error):
            await _fetch(url, target)
    assert _left(target) == {"swh.bible.part": 10}


async def test_nobody_there(target: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=BODY)

    async with _served(handler) as url:
        pass
    with pytest.raises(UpstreamUnreachable):
        await _fetch(url, target)


@pytest.fixture
def small_card(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for a million bytes."""
    folder = tmp_path / "card"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1000k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_card(shelf: Shelf, small_card: Path) -> None:
    put(shelf.packages, shelf.folder, "swh", BODY)
    url = f"{shelf.url}/functions/v1/packages/swh/download"
    with pytest.raises(NoSpace):
        await _fetch(url, small_card / "swh.bible")
