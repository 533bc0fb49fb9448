"""The process is killed at each named point of an upload, a feed, a session and an audio fetch.

Those of an import are in tests/importer/test_power_cuts.py.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from hotspot import faults
from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.http import media
from hotspot.http.auth import hash_token
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model.plan import ImportAction
from hotspot.model.records import Key
from hotspot.model.stores import Accepted, Device, Provenance, RecordTransaction
from hotspot.store.store import HotspotStore
from hotspot.syncing.digests import DigestEndpoint
from hotspot.syncing.endpoints import SyncEndpoints
from tests.contract.opened import edited
from tests.faults.checking import broken, rows
from tests.faults.children import NOW_MS, TOKEN, sync
from tests.importer.conftest import open_box
from tests.support.packages import combined_package, version_id
from tests.system.nodes import PROJECT
from tests.system.phones import API, Phone, ask, edit, verses

CHILD = [sys.executable, "-m", "tests.faults.children"]
DEVICE = Device(id="d0000000-0000-4000-8000-0000000000b0", name="Village box", role="hotspot")
TEXT = version_id("combined-text")
TEXTS = "SELECT verse_id, verse_text FROM verse_texts"
IDS = "SELECT verse_id, id FROM verse_texts"
LOSERS = "SELECT record_id, count(*) FROM losing_versions GROUP BY record_id"
WAITING = "SELECT record_id, sync_status FROM record_sync_status WHERE sync_status <> 'synced'"
LATER = "2026-11-20T00:00:00.000Z"
EDITED_AT = "2026-11-22T09:00:00.000Z"
HERE, THERE = "jonah-1-1", "jonah-2-1"

SESSION = [
    "session.kept",
    "session.answered",
    "session.settled",
    "session.page_read",
    "session.page_merged",
    "session.logged",
]
AUDIO = ["audio.whole", "audio.received", "audio.listed"]
SERVING = {"upload.judged": False, "upload.committed": True}
"""Each point of an upload, and whether the edit is there after it."""


@dataclass(frozen=True)
class Begun:
    """Data folders of a hotspot and of its server, which differ in one verse each and in audio."""

    hub: Path
    server: Path


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    old = combined_package(folder / "old")
    new = combined_package(folder / "new", version="2", stamp=LATER, voice=7)
    asyncio.run(begin(folder / "hub", old, HERE))
    asyncio.run(begin(folder / "server", new, THERE))
    return Begun(folder / "hub", folder / "server")


async def begin(data: Path, package: Path, verse_id: str) -> None:
    """A hotspot with this package, and an edit of one verse."""
    async with open_box(data) as box:
        assert (await box.importer.import_file(package)).action is ImportAction.NEW
        await box.store.add_device(DEVICE, hash_token(TOKEN))
        key = Key("verse_texts", rows(box.config.database, IDS)[verse_id])

        async def work(tx: RecordTransaction) -> None:
            held = (await tx.current([key]))[key]
            change = edited(held, f"typed at {verse_id}", EDITED_AT)
            await tx.accept([Accepted(change, held, Provenance(device_id=DEVICE.id))])

        await box.store.write(work)


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[str]:
    """The URL of a server over this data folder."""
    config, clock = Config(data_dir=data), Clock(NOW_MS, NOW_MS)
    async with HotspotStore.open(config.database, clock) as store:
        app = web.Application(middlewares=[error_middleware(clock)])
        app.add_routes(SyncEndpoints(store, store, clock).routes())
        app.add_routes(DigestEndpoint(store, clock).routes())
        app.add_routes(media.routes(store, config.packages))
        async with serve(app, "127.0.0.1", 0) as port:
            yield f"http://127.0.0.1:{port}"


def killed_at(point: str, *arguments: str | Path) -> int:
    """Runs a child that is killed at `point`; its exit status."""
    environment = {**os.environ, faults.VARIABLE: point}
    return subprocess.run([*CHILD, *arguments], cwd=PROJECT, env=environment).returncode


async def heard(data: Path) -> dict[str, bytes]:
    """What a phone is served for each chapter."""
    config, found = Config(data_dir=data), {}
    async with HotspotStore.open(config.database, Clock(NOW_MS, NOW_MS)) as store:
        for chapter, id_ in rows(config.database, "SELECT chapter_id, id FROM media_files").items():
            audio = await store.audio(id_)
            assert audio is not None
            content = (config.packages / audio.file_name).read_bytes()
            found[chapter] = content[audio.offset : audio.offset + audio.size]
    return found


@pytest.mark.parametrize("point", [*SESSION, *AUDIO])
async def test_the_next_session_ends_what_a_killed_one_began(
    point: str, begun: Begun, tmp_path: Path
) -> None:
    hub, server = tmp_path / "hub", tmp_path / "server"
    await asyncio.to_thread(shutil.copytree, begun.hub, hub)
    await asyncio.to_thread(shutil.copytree, begun.server, server)
    old = await heard(hub)
    async with served(server) as url:
        assert await asyncio.to_thread(killed_at, point, "sync", hub, url) == -signal.SIGKILL
        async with open_box(hub) as box:
            assert await broken(box) == []
        halfway = await heard(hub)
        new = await heard(server)
        assert all(halfway[chapter] in (old[chapter], new[chapter]) for chapter in old)
        await sync(hub, url)
    for data in (hub, server):
        texts = rows(data / "hotspot.db", TEXTS)
        assert (texts[HERE], texts[THERE]) == (f"typed at {HERE}", f"typed at {THERE}")
        assert set(rows(data / "hotspot.db", LOSERS).values()) <= {1}, "kept twice"
    assert rows(hub / "hotspot.db", WAITING) == {}
    assert await heard(hub) == new != old


@contextmanager
def serving(data: Path, point: str = "") -> Iterator[tuple[Phone, subprocess.Popen[str]]]:
    """A phone, and the process that answers it until it comes to `point`."""
    environment = {**os.environ, faults.VARIABLE: point}
    with subprocess.Popen(
        [*CHILD, "serve", data], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Phone(f"http://127.0.0.1:{int(process.stdout.readline())}", TOKEN), process
        finally:
            process.kill()


@pytest.mark.parametrize("point", SERVING)
def test_an_upload_that_was_not_answered_is_there_once_or_not_at_all(
    point: str, begun: Begun, tmp_path: Path
) -> None:
    shutil.copytree(begun.hub, tmp_path / "hub")
    with serving(tmp_path / "hub", point) as (phone, process):
        verse = next(
            one for one in verses(phone.url, TEXT) if one["record"]["verse_id"] == "jonah-2-2"
        )
        changes = [edit(verse, "typed")]
        assert phone.upload("batch", changes) is None
        assert process.wait(10) == -signal.SIGKILL
    there = rows(tmp_path / "hub" / "hotspot.db", TEXTS)["jonah-2-2"] == "typed"
    assert there is SERVING[point]
    with serving(tmp_path / "hub") as (phone, _):
        answer = phone.upload("batch", changes)
        assert answer is not None and answer.json["results"][0]["status"] == "applied"
    assert rows(tmp_path / "hub" / "hotspot.db", TEXTS)["jonah-2-2"] == "typed"


def test_a_feed_that_was_not_answered_is_read_again(begun: Begun, tmp_path: Path) -> None:
    shutil.copytree(begun.hub, tmp_path / "hub")
    with serving(tmp_path / "hub", "changes.read") as (phone, process):
        asked = json.dumps({"scopes": [{"textVersionId": TEXT}]}).encode()
        assert ask(phone.url, "POST", f"{API}/sync/changes", body=asked) is None
        assert process.wait(10) == -signal.SIGKILL
    with serving(tmp_path / "hub") as (phone, _):
        assert len(verses(phone.url, TEXT)) == 4


def test_every_point_has_a_test() -> None:
    """A point that no test names would be there for nothing."""
    named = re.compile(r'faults\.point\("([\w.]+)"')
    code = {
        name
        for file in (PROJECT / "hotspot").rglob("*.py")
        for name in named.findall(file.read_text())
    }
    tests = "".join(file.read_text() for file in (PROJECT / "tests").rglob("test_*.py"))
    assert {name for name in code if f'"{name}"' not in tests} == set()
