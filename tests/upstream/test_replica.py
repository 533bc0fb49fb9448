"""Reading from a replica that really follows the database, and is behind when it is told to be."""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import asyncpg
import pytest

from hotspot.model.stores import FeedQuery, RecordTransaction
from hotspot.upstream import epochs
from hotspot.upstream.postmaster import ACCOUNT, Postmaster
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import accepted, edited, verse
from tests.support.replicas import postgres_program, replica
from tests.support.requirements import needs
from tests.support.servers import folder_for_server, migrate_database
from tests.upstream.builders import TEXT, add_verse, add_version, read, verse_texts

PATIENCE_S = 30.0


async def arrived(sql: asyncpg.Connection, copy: asyncpg.Connection) -> None:
    """Returns when a replica has all that the database has now."""
    here = await sql.fetchval("SELECT pg_current_wal_lsn()::text")
    async with asyncio.timeout(PATIENCE_S):
        while not await copy.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", here):
            await asyncio.sleep(0.01)


@dataclass
class Pair:
    """`sql`, `store`: the database alone; `both`: a store that may read the replica."""

    url: str
    sql: asyncpg.Connection
    store: PostgresStore
    both: PostgresStore
    copy: asyncpg.Connection
    data: Path

    async def caught_up(self) -> None:
        await arrived(self.sql, self.copy)

    async def pause(self) -> None:
        """Nothing arrives from now on, until the replay is resumed."""
        await self.caught_up()
        await self.copy.execute("SELECT pg_wal_replay_pause()")
        async with asyncio.timeout(PATIENCE_S):
            while await self.copy.fetchval("SELECT pg_get_wal_replay_pause_state()") != "paused":
                await asyncio.sleep(0.01)

    async def resume(self) -> None:
        await self.copy.execute("SELECT pg_wal_replay_resume()")
        await self.caught_up()


@dataclass
class Servers:
    """The URLs of a server and of the one that follows it, whose files are in `data`."""

    url: str
    copy_url: str
    data: Path


@contextmanager
def servers() -> Iterator[Servers]:
    needs("postgres")
    with folder_for_server() as folder:
        url = Postmaster(folder).start()
        copies = folder / "copies"
        copies.mkdir()
        if os.geteuid() == 0:
            os.chown(copies, pwd.getpwnam(ACCOUNT).pw_uid, -1)
        with replica(url, copies) as copy_url:
            yield Servers(url, copy_url, copies / "replica")


@pytest.fixture(scope="module")
def shared() -> Iterator[Servers]:
    """For tests that leave the servers as they were."""
    with servers() as running:
        yield running


@pytest.fixture
def own() -> Iterator[Servers]:
    """For a test that does not."""
    with servers() as running:
        yield running


@asynccontextmanager
async def pair_on(running: Servers) -> AsyncIterator[Pair]:
    """A new database with a version and a verse, and its replica."""
    server = await asyncpg.connect(running.url)
    name = f"test_{token_hex(4)}"
    await server.execute(f"CREATE DATABASE {name}")
    await server.close()
    url, copy_url = (
        one.replace("/postgres?", f"/{name}?") for one in (running.url, running.copy_url)
    )
    await migrate_database(url)
    sql = await asyncpg.connect(url)
    await add_version(sql)
    await add_verse(sql, 1, "First")
    here = await asyncpg.connect(running.copy_url)
    await arrived(sql, here)
    await here.close()
    copy = await asyncpg.connect(copy_url)
    async with PostgresStore.open(url) as store, PostgresStore.open(url, copy_url) as both:
        found = Pair(url, sql, store, both, copy, running.data)
        await found.caught_up()
        yield found
    await copy.close()
    await sql.close()


@pytest.fixture
async def pair(shared: Servers) -> AsyncIterator[Pair]:
    """A new database with a version and a verse, and its replica."""
    async with pair_on(shared) as found:
        yield found


async def test_what_the_replica_has_is_read_there_and_what_it_lacks_is_not(pair: Pair) -> None:
    texts, token = await verse_texts(pair.both)
    assert texts == ["First"]
    await pair.pause()
    await add_verse(pair.sql, 2, "Second")
    assert await verse_texts(pair.both, token) == ([], token), "it was read from the database"
    texts, ahead = await verse_texts(pair.store, token)
    assert texts == ["Second"]
    await add_verse(pair.sql, 3, "Third")
    assert (await verse_texts(pair.both, ahead))[0] == ["Third"]
    await pair.resume()
    assert (await verse_texts(pair.both, token))[0] == ["Second", "Third"]


async def test_a_client_never_gets_older_rows_than_it_wrote(pair: Pair) -> None:
    _, token = await verse_texts(pair.store)
    await pair.store.write(lambda tx: tx.accept([accepted(verse(7))]))
    await pair.pause()
    mine = edited(verse(7), "Mine", "2026-11-22T12:00:00.000Z")

    async def work(tx: RecordTransaction) -> str:
        await tx.current([mine.key])
        await tx.accept([accepted(mine)])
        return str(await tx.name())

    query = FeedQuery(scopes=[(TEXT, token)], limit=10)
    stale = await pair.both.read_changes(query)
    assert [row.values["verse_text"] for row in stale.records] == [verse(7).values["verse_text"]]
    written = await pair.store.write(work)
    told = FeedQuery(scopes=[(TEXT, token)], limit=10, written=[written])
    page = await pair.both.read_changes(told)
    assert [row.values["verse_text"] for row in page.records] == ["Mine"]
    await pair.resume()


async def test_what_commits_late_is_not_passed_over_on_the_replica(pair: Pair) -> None:
    _, token = await verse_texts(pair.both)
    slow = await asyncpg.connect(pair.url)
    transaction = slow.transaction()
    await transaction.start()
    await add_verse(slow, 2, "Slow")
    await add_verse(pair.sql, 3, "Quick")
    await pair.caught_up()
    seen, token = await verse_texts(pair.both, token)
    await transaction.commit()
    await pair.caught_up()
    late, token = await verse_texts(pair.both, token)
    assert sorted(map(str, seen + late)) == ["Quick", "Slow"]
    await slow.close()


async def test_an_epoch_or_a_version_that_did_not_arrive_is_asked_for_at_the_database(
    pair: Pair,
) -> None:
    await pair.pause()
    await epochs.renew(pair.sql)
    _, new = await verse_texts(pair.store)
    assert (await read(pair.both, new)).scopes[0].token == new
    await pair.resume()


async def test_a_replica_that_is_away_or_on_its_own_is_done_without(own: Servers) -> None:
    async with pair_on(own) as pair:
        _, token = await verse_texts(pair.both)
        await pair.copy.execute("SELECT pg_promote()")
        await add_verse(pair.sql, 2, "Second")
        assert (await verse_texts(pair.both, token))[0] == ["Second"]
        stop = ("-D", str(pair.data), "-w", "-m", "immediate", "restart")
        await asyncio.to_thread(postgres_program, "pg_ctl", *stop)
        assert (await verse_texts(pair.both, token))[0] == ["Second"]
