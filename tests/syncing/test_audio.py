"""A chapter is recorded anew: the hotspot fetches it, and serves the old one until it has it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.events import Bus
from hotspot.http import media
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.importer.importer import Importer
from hotspot.model import instants
from hotspot.model.plan import ImportAction
from hotspot.package.reader import open_package
from hotspot.store.store import HotspotStore
from hotspot.syncing.audio import AudioFetches
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.syncing.session import run_session
from hotspot.syncing.upstream import Upstream
from tests.support.packages import combined_package

LATER = "2026-11-20T00:00:00.000Z"
NOW_MS = instants.to_ms("2026-11-22T10:00:00.000Z")


@dataclass
class Box:
    """A hotspot's store with an imported package."""

    config: Config
    store: HotspotStore
    clock: Clock

    async def audio(self, media_file_id: str) -> bytes:
        """What a phone is served for one chapter."""
        found = await self.store.audio(media_file_id)
        assert found is not None
        content = (self.config.packages / found.file_name).read_bytes()
        part = content[found.offset : found.offset + found.size]
        assert sha256(part).hexdigest() == found.sha256
        return part


@asynccontextmanager
async def open_box(folder: Path, package: Path) -> AsyncIterator[Box]:
    config = Config(data_dir=folder)
    folder.mkdir()
    clock = Clock(NOW_MS, NOW_MS)
    async with HotspotStore.open(config.database, clock) as store:
        importer = Importer(config, store, clock, Bus())
        await importer.prepare()
        assert (await importer.import_file(package)).action is ImportAction.NEW
        yield Box(config, store, clock)


@dataclass
class Village:
    """A hotspot with the old recording, and its upstream with the new one.

    `spoil`: what happens to the next answers that carry audio: 'cut' half way, or 'rotten'.
    """

    hub: Box
    server: Box
    url: str
    session: aiohttp.ClientSession
    spoil: list[str]
    chapters: list[str]

    async def sync(self) -> None:
        upstream = Upstream(self.session, self.url, None, self.hub.clock)
        report = await run_session(self.hub.store, upstream, self.hub.clock)
        assert report.error is None, report.error

    async def fetch(self) -> list[str | None]:
        """Tries what is wanted once; why the rest could not be had."""
        packages = self.hub.config.packages
        fetches = AudioFetches(self.hub.store, self.session, self.url, packages, self.hub.clock)
        return [one.reason for one in await fetches.fetch_all()]


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    old = await asyncio.to_thread(combined_package, tmp_path)
    new = await asyncio.to_thread(combined_package, tmp_path, version="2", stamp=LATER, voice=7)
    index = (await asyncio.to_thread(open_package, old)).manifest.audio_file_index
    spoil: list[str] = []

    @web.middleware
    async def spoiling(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "/media/" not in request.path or request.method == "HEAD" or not spoil:
            return await handler(request)
        if spoil.pop(0) == "rotten":
            return web.Response(body=b"\0" * 200_001, headers={"Accept-Ranges": "bytes"})
        response = web.StreamResponse(headers={"ETag": request.headers.get("If-Range", '"x"')})
        response.content_length = 200_001
        await response.prepare(request)
        await response.write(b"\0" * 10)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(open_box(tmp_path / "hub", old))
        server = await stack.enter_async_context(open_box(tmp_path / "server", new))
        app = web.Application(middlewares=[error_middleware(server.clock), spoiling])
        app.add_routes(SyncEndpoints(server.store, server.store, server.clock).routes())
        app.add_routes(media.routes(server.store, server.config.packages))
        port = await stack.enter_async_context(serve(app, "127.0.0.1", 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"http://127.0.0.1:{port}"
        yield Village(hub, server, url, session, spoil, [one.media_file_id for one in index])


async def test_the_new_recording_is_fetched_and_served(village: Village) -> None:
    before = [await village.hub.audio(chapter) for chapter in village.chapters]
    await village.sync()
    assert len(await village.hub.store.wanted_audio()) == 2
    assert [await village.hub.audio(chapter) for chapter in village.chapters] == before
    assert await village.fetch() == []
    for chapter, old in zip(village.chapters, before, strict=True):
        assert await village.hub.audio(chapter) == await village.server.audio(chapter) != old


async def test_what_is_the_same_is_not_fetched(village: Village) -> None:
    await village.sync()
    await village.fetch()
    await village.sync()
    assert await village.hub.store.wanted_audio() == []


@pytest.mark.parametrize("trouble", ["cut", "rotten"])
async def test_what_comes_damaged_is_not_served_and_is_tried_again(
    village: Village, trouble: str
) -> None:
    """What a rotten answer left of a file spoils one more try, which then begins anew."""
    before = await village.hub.audio(village.chapters[0])
    await village.sync()
    village.spoil[:] = [trouble, trouble]
    reasons = await village.fetch()
    assert len(reasons) == 2
    assert all(reason is not None and reason.endswith(".") for reason in reasons)
    assert await village.hub.audio(village.chapters[0]) == before
    assert [one.failures for one in await village.hub.store.wanted_audio()] == [1, 1]
    await village.fetch()
    assert await village.fetch() == []
    assert await village.hub.audio(village.chapters[0]) != before


async def test_a_server_without_the_audio_is_asked_again_later(village: Village) -> None:
    await village.sync()
    await village.server.store.remove_package("combined")
    reasons = await village.fetch()
    assert reasons == ["The server does not have the file (status 404)."] * 2
    assert len(await village.hub.store.wanted_audio()) == 2


async def test_what_is_wanted_outlives_a_restart(village: Village) -> None:
    await village.sync()
    async with HotspotStore.open(village.hub.config.database, village.hub.clock) as again:
        assert len(await again.wanted_audio()) == 2


async def test_damaged_audio_of_a_package_comes_from_the_server(
    village: Village, tmp_path: Path
) -> None:
    good = await asyncio.to_thread(combined_package, tmp_path, "jonah")
    content = bytearray(good.read_bytes())
    content[-1] ^= 1
    bad = tmp_path / "bad.bible"
    bad.write_bytes(content)
    async with (
        open_box(tmp_path / "scratched", bad) as hub,
        open_box(tmp_path / "whole", good) as it,
    ):
        app = web.Application()
        app.add_routes(media.routes(it.store, it.config.packages))
        async with serve(app, "127.0.0.1", 0) as port:
            fetches = AudioFetches(
                hub.store,
                village.session,
                f"http://127.0.0.1:{port}",
                hub.config.packages,
                hub.clock,
            )
            (wanted,) = await hub.store.wanted_audio()
            assert await hub.store.audio(wanted.media_file_id) is None
            assert await fetches.fetch_all() == []
        assert await hub.audio(wanted.media_file_id) == await it.audio(wanted.media_file_id)
        stored = await hub.store.package("jonah")
        assert stored is not None
        assert (stored.info.complete, stored.info.damaged_audio) == (False, 0)
