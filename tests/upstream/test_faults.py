"""The database ends, loses its connections, fills its disk, or comes back as it was yesterday."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import aiohttp
import asyncpg
import pytest

from hotspot import clock as clocks
from hotspot.http.auth import hash_token
from hotspot.http.serving import serve
from hotspot.model.stores import Accepted, Device, Provenance
from hotspot.syncing.upstream import Upstream
from hotspot.upstream import devices
from hotspot.upstream.app import build_app
from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.postmaster import Postmaster
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import T1, TEXT, edited, uuid, verse, version_row
from tests.support.postgres import new_database
from tests.support.replicas import postgres_program
from tests.support.requirements import needs
from tests.support.servers import folder_for_server, migrate_database
from tests.upstream.builders import verse_texts
from tests.upstream.gateways import Box, batch, gateway
from tests.upstream.serving import TOKEN, hotspot, running

KNOWN = migrations()
MIGRATE = """
import asyncio, sys, asyncpg
from hotspot.upstream.migrate import migrate, migrations
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    known = migrations()
    slow = (known[-1][0] + 1, "slow", "CREATE TABLE slow (); SELECT pg_sleep(1)")
    await migrate(connection, [*known, slow])
asyncio.run(main())
"""
VERSES, BATCHES = 50, 8
ROWS = [verse(number) for number in range(VERSES * BATCHES)]
BASE = {row.id: row.version for row in ROWS}
BOX = Device(id=uuid(9 << 32), name="Box", role="hotspot")


@dataclass
class Server:
    """A database server of one test's own, which has ROWS and knows BOX."""

    folder: Path
    url: str

    async def texts(self) -> list[str]:
        """What the verses say, in their order."""
        return [row["verse_text"] for row in await self.fetch("SELECT verse_text FROM verse_texts")]

    async def fetch(self, sql: str) -> list[Any]:
        """Rows, by a connection for this alone."""
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()


@contextmanager
def server_in(folder: Path) -> Iterator[Server]:
    yield Server(folder, Postmaster(folder).start())


@pytest.fixture
def bare() -> Iterator[Server]:
    """A server with nothing in it."""
    needs("postgres")
    with folder_for_server() as folder, server_in(folder) as server:
        yield server


async def fill(server: Server) -> None:
    """Brings a server's schema, ROWS and BOX."""
    await migrate_database(server.url)
    by = Provenance(device_id=None)
    async with PostgresStore.open(server.url) as store:
        rows = [version_row(TEXT), *ROWS]
        await store.write(lambda tx: tx.accept([Accepted(row, None, by) for row in rows]))
    connection = await asyncpg.connect(server.url)
    await devices.add_device(connection, BOX, hash_token("box"))
    await connection.execute("TRUNCATE change_log")
    await connection.close()


@pytest.fixture
async def server(bare: Server) -> AsyncIterator[Server]:
    await fill(bare)
    yield bare


async def end_connections(server: Server) -> None:
    """As an operator, or a network that breaks."""
    await server.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )


async def crash(server: Server) -> None:
    """Ends the server without warning and starts it again."""
    data = ("-D", str(server.folder / "postgres"), "-m", "immediate", "-w")
    await asyncio.to_thread(postgres_program, "pg_ctl", *data, "stop")
    await asyncio.to_thread(lambda: Postmaster(server.folder).start())


@pytest.mark.parametrize("befalls", [end_connections, crash])
async def test_uploads_go_on_where_they_were_when_the_database_is_back(
    server: Server, tmp_path: Path, befalls: Any
) -> None:
    """Nothing is lost and nothing written twice, whatever was under way in that moment."""
    edits = [edited(row, f"{row.values['verse_id']} anew", T1) for row in ROWS]
    async with gateway(server.url, tmp_path) as at, aiohttp.ClientSession() as http:
        box = Box(http, "box")

        async def send() -> list[Any]:
            answers = []
            for start in range(0, len(edits), VERSES):
                body = batch(f"{start}", edits[start : start + VERSES], BASE)
                answers.append(await box.upload([at.url], body))
            return answers

        sending = [asyncio.create_task(send()) for _ in range(3)]
        async with asyncio.timeout(30):
            while not await server.fetch("SELECT FROM answered_batches LIMIT 1"):
                await asyncio.sleep(0)
        await befalls(server)
        one, *others = await asyncio.gather(*sending)
    assert others == [one, one]
    assert all(r["status"] == "applied" for answer in one for r in answer["results"])
    assert sorted(await server.texts()) == sorted(str(row.values["verse_text"]) for row in edits)
    logged = await server.fetch("SELECT count(*), count(DISTINCT record_id) FROM change_log")
    assert tuple(logged[0]) == (len(edits), len(edits))


@pytest.fixture
def small() -> Iterator[Server]:
    """A server on a disk of its own."""
    needs("postgres")
    needs("tmpfs")
    with folder_for_server() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "none", folder], check=True)
        try:
            with server_in(folder) as server:
                yield server
            Postmaster(folder).stop()
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def fill_disk(folder: Path, leave: int) -> Path:
    """A file that takes what there is but `leave` bytes."""
    ballast = folder / "ballast"
    space = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - leave)
    return ballast


async def test_a_full_disk_is_a_503_and_nothing_is_lost(small: Server, tmp_path: Path) -> None:
    await fill(small)
    # The log of what is written has room: that of the rows has none.
    await small.fetch("SELECT pg_switch_wal()")
    await small.fetch("UPDATE devices SET name = name RETURNING id")
    edits = [edited(row, token_hex(4_000), T1) for row in ROWS]
    body = batch("b", edits, BASE)
    async with gateway(small.url, tmp_path) as at, aiohttp.ClientSession() as http:
        box = Box(http, "box")
        ballast = await asyncio.to_thread(fill_disk, small.folder, 1_000_000)
        assert (await box.ask(at.url, "sync/upload", body))[0] == 503
        status, page = await box.ask(at.url, "sync/changes", {"scopes": [], "maxChanges": 1})
        assert (status, page["changes"]) == (200, [])
        assert await small.fetch("SELECT FROM change_log") == []
        ballast.unlink()
        answer = await box.upload([at.url], body)
    assert {result["status"] for result in answer["results"]} == {"applied"}
    assert sorted(await small.texts()) == sorted(str(row.values["verse_text"]) for row in edits)


async def test_after_a_dump_of_yesterday_is_restored_newer_edits_come_up_again(
    url: str, tmp_path: Path
) -> None:
    """What a hotspot sent since, and what it has not sent yet; others bring their own."""
    dump = Path(tempfile.gettempdir()) / f"{token_hex(4)}.dump"
    async with AsyncExitStack() as stack:
        restored = await stack.enter_async_context(new_database(migrated=False))
        server = await stack.enter_async_context(running(url, tmp_path))
        hub = await stack.enter_async_context(hotspot(server, tmp_path))
        await hub.edit(edited(verse(1), "Yesterday", T1))
        await hub.sync()
        await asyncio.to_thread(postgres_program, "pg_dump", "-Fc", "-d", url, "-f", str(dump))
        stack.push_async_callback(asyncio.to_thread, dump.unlink)
        await hub.edit(edited(verse(2), "Today", T1))
        await hub.sync()
        await hub.edit(edited(verse(4), "Not sent yet", T1))
        await asyncio.to_thread(postgres_program, "pg_restore", "-d", restored, str(dump))
        store = await stack.enter_async_context(PostgresStore.open(restored))
        again = await stack.enter_async_context(answering(store, tmp_path))
        hub.upstream = Upstream(server.http, again, TOKEN, hub.clock)
        for _ in range(3):
            await hub.sync()
        found, _ = await verse_texts(store)
    texts = {"Yesterday", "Today", "Not sent yet", verse(3).values["verse_text"]}
    assert set(found) == texts


@asynccontextmanager
async def answering(store: PostgresStore, folder: Path) -> AsyncIterator[str]:
    """The URL of a gateway in this process."""
    clock = await asyncio.to_thread(clocks.wall)
    async with serve(build_app(store, clock, folder), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


async def test_a_migration_that_is_killed_is_made_by_the_next(bare: Server) -> None:
    """The database finds out about the death at the end of the statement, and undoes the rest."""
    known = [*KNOWN, (KNOWN[-1][0] + 1, "slow", "CREATE TABLE slow (); SELECT pg_sleep(1)")]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, bare.url)
    sleeping = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    async with asyncio.timeout(30):
        while not await bare.fetch(sleeping):
            await asyncio.sleep(0.01)
    process.kill()
    await process.wait()
    connection = await asyncpg.connect(bare.url)
    assert await migrate(connection, known) == len(known)
    assert await connection.fetchval("SELECT count(*) FROM slow") == 0
    await connection.close()
