"""The numbers of rows in PostgreSQL, whoever writes them."""

import asyncpg

from hotspot.model.digest import WHOLE, row_hash
from hotspot.model.records import Record
from hotspot.model.stores import FeedQuery
from hotspot.model.tables import BY_NAME
from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import (
    DEVICE,
    T0,
    TEXT,
    drain,
    uuid,
    version_row,
)
from tests.support.postgres import new_database
from tests.support.requirements import needs

KNOWN = migrations()
FIRST_WITH_NUMBERS = 7
INSERT = """
INSERT INTO verse_texts (id, verse_id, text_version_id, verse_text, updated_at)
VALUES ($1, 'gen-1-' || $1::uuid, $2, 'In the beginning', $3::text::timestamptz)
"""


async def check_numbers(sql: asyncpg.Connection) -> int:
    """Checks the number of every row; how many there are."""
    found = 0
    for table in BY_NAME:
        rows = await sql.fetch(
            f"SELECT id::text, canonical(updated_at), content_hash, row_hash FROM {table}"
        )
        assert [row[3] for row in rows] == [row_hash(*row[:3]) for row in rows]
        found += len(rows)
    return found


async def test_plain_sql_numbers_its_rows_and_cannot_forge_them(sql: asyncpg.Connection) -> None:
    await sql.execute(INSERT, uuid(1), TEXT.id, T0)
    await sql.execute(INSERT, uuid(2), TEXT.id, T0)
    assert await check_numbers(sql) == 2
    await sql.execute("UPDATE verse_texts SET verse_text = 'changed' WHERE id = $1", uuid(1))
    assert await check_numbers(sql) == 2
    await sql.execute("UPDATE verse_texts SET row_hash = 0")
    assert await check_numbers(sql) == 2


async def test_rows_from_before_there_were_numbers_get_theirs_and_are_no_news() -> None:
    needs("postgres")
    async with new_database(migrated=False) as url:
        sql = await asyncpg.connect(url)
        await migrate(sql, [one for one in KNOWN if one[0] < FIRST_WITH_NUMBERS])
        await sql.execute(INSERT, uuid(1), TEXT.id, T0)
        logged = await sql.fetchval("SELECT count(*) FROM change_log")
        await migrate(sql, KNOWN)
        assert await check_numbers(sql) == 1
        assert await sql.fetchval("SELECT count(*) FROM change_log") == logged
        await sql.close()


async def test_a_digest_leaves_out_no_transaction_that_is_still_open(
    sql: asyncpg.Connection, url: str, store: PostgresStore
) -> None:
    """What commits after the digest was taken comes in the feed after its position."""
    await _load(sql, version_row(TEXT))
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute(INSERT, uuid(1), TEXT.id, T0)
        await sql.execute(INSERT, uuid(2), TEXT.id, T0)
        (found,) = await store.digest([(TEXT, [WHOLE])])
        assert found.sums[0].count == 2
    await other.close()
    records, _ = await drain(store, TEXT, found.token)
    assert {record.id for record in records} == {uuid(1), uuid(2)}


async def test_a_record_that_plain_sql_deleted_can_be_asked_for(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    """It is in no digest any more, but who still has it learns of its end."""
    await _load(sql, version_row(TEXT))
    for number in (1, 2, 3):
        await sql.execute(INSERT, uuid(number), TEXT.id, T0)
    await sql.execute("DELETE FROM verse_texts WHERE id = ANY($1::uuid[])", [uuid(1), uuid(2)])
    await sql.execute(INSERT, uuid(2), TEXT.id, T0)
    (found,) = await store.digest([(TEXT, [WHOLE])])
    assert found.sums[0].count == 3
    asked = [uuid(number) for number in (1, 2, 3, 4)]
    page = await store.read_changes(FeedQuery(scopes=[(TEXT, None)], limit=10, record_ids=asked))
    assert {record.id: record.deleted for record in page.records} == {
        uuid(1): True,
        uuid(2): False,
        uuid(3): False,
    }


async def _load(sql: asyncpg.Connection, row: Record) -> None:
    await sql.execute(
        "INSERT INTO text_versions (id, language_entity_id, name, updated_at)"
        " VALUES ($1, $2, 'A version', $3::text::timestamptz)",
        row.id,
        DEVICE.id,
        row.updated_at,
    )
