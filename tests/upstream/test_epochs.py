"""Positions are worth something in the life of the database that gave them, and nowhere else."""

import asyncpg
import pytest

from hotspot.errors import PositionGone
from hotspot.model import positions
from hotspot.upstream import epochs
from hotspot.upstream.store import PostgresStore
from tests.support.postgres import new_database
from tests.upstream.builders import add_verse, read, verse_texts


async def epoch_of(sql: asyncpg.Connection) -> str:
    return str(await sql.fetchval("SELECT epoch FROM sync_epoch"))


async def test_the_epoch_stays_while_the_database_does(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    before = await epoch_of(sql)
    async with PostgresStore.open(url):
        assert await epoch_of(sql) == before
    assert await epochs.bind(sql) == before


async def test_a_new_epoch_ends_all_positions_at_once(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await add_verse(sql)
    _, old = await verse_texts(store)
    await epochs.renew(sql)
    with pytest.raises(PositionGone):
        await read(store, old)
    texts, new = await verse_texts(store)
    assert texts == ["Text"]
    assert (await read(store, new)).records == []


async def test_a_copy_of_the_database_has_an_epoch_of_its_own(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await add_verse(sql)
    _, token = await verse_texts(store)
    row = await sql.fetchrow("SELECT * FROM sync_epoch")
    async with new_database() as other_url:
        other = await asyncpg.connect(other_url)
        await other.execute(
            "INSERT INTO sync_epoch SELECT (r).* FROM (SELECT $1::sync_epoch) a(r)", row
        )
        await other.close()
        async with PostgresStore.open(other_url) as copy:
            with pytest.raises(PositionGone):
                await read(copy, token)


@pytest.mark.parametrize("part", ["system_identifier = 1", "timeline = '00000009'"])
async def test_another_cluster_or_timeline_begins_an_epoch(
    sql: asyncpg.Connection, store: PostgresStore, part: str
) -> None:
    before = await epoch_of(sql)
    await sql.execute(f"UPDATE sync_epoch SET {part}")
    assert await epochs.bind(sql) != before


async def test_what_a_role_may_not_know_does_not_end_the_epoch(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    before = await epoch_of(sql)
    await sql.execute("CREATE ROLE plain LOGIN; GRANT ALL ON sync_epoch TO plain")
    await sql.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public")
    plain = await asyncpg.connect(url, user="plain")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await plain.fetchval("SELECT system_identifier FROM pg_control_system()")
        assert await epochs.bind(plain) == before
        await epochs.renew(plain)
        renewed = await epoch_of(sql)
        assert await epochs.bind(sql) == renewed
    finally:
        await plain.close()
        await sql.execute("DROP OWNED BY plain; DROP ROLE plain")


@pytest.mark.parametrize("position", [(2**60, 1), (2**80, 1), (3, 2**63), (-1, 1), (3, -1)])
async def test_a_position_ahead_of_the_server_is_gone(
    sql: asyncpg.Connection, store: PostgresStore, position: tuple[int, int]
) -> None:
    token = positions.encode(await epoch_of(sql), *position)
    with pytest.raises(PositionGone):
        await read(store, token)
