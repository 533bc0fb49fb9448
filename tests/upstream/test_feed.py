"""The order in which the feed is read, and what is special to PostgreSQL in it."""

import asyncpg

from hotspot.model import positions
from hotspot.model.stores import FeedQuery
from hotspot.model.tables import Scope, ScopeKind
from hotspot.upstream import feed
from hotspot.upstream.store import PostgresStore
from tests.upstream.builders import TEXT, add_verse, add_version, read, verse_texts


async def test_what_commits_late_is_not_passed_over(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    """The later of two commits first: by times or serials the earlier would be lost."""
    await add_version(sql)
    _, token = await verse_texts(store)
    slow = await asyncpg.connect(url)
    transaction = slow.transaction()
    await transaction.start()
    await add_verse(slow, 1, "Slow")
    await add_verse(sql, 2, "Quick")
    seen, token = await verse_texts(store, token)
    await transaction.commit()
    late, token = await verse_texts(store, token)
    assert sorted(map(str, seen + late)) == ["Quick", "Slow"]
    assert (await verse_texts(store, token))[0] == []
    await slow.close()


async def test_transactions_that_write_in_turns_are_paged_without_loss(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    """The order of the serials is not that of the transactions; a page ends inside of one."""
    slow = await asyncpg.connect(url)
    async with slow.transaction():
        await add_verse(slow, 1, "Slow")
        await add_verse(sql, 2, "Quick")
        await add_verse(slow, 3, "Slow again")
    await slow.close()
    texts = []
    token = None
    for _ in range(3):
        page = await read(store, token, limit=1)
        texts += [record.values["verse_text"] for record in page.records]
        token = page.scopes[0].token
    assert texts == ["Slow", "Slow again", "Quick"]


async def test_a_transaction_that_only_reads_holds_nothing_back(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    reader = await asyncpg.connect(url)
    async with reader.transaction(isolation="repeatable_read"):
        await reader.fetchval("SELECT count(*) FROM change_log")
        await add_verse(sql, 1, "Seen")
        assert (await verse_texts(store))[0] == ["Seen"]
    await reader.close()


async def test_a_transaction_that_is_rolled_back_leaves_nothing(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await add_verse(sql, 1, "Before")
    _, token = await verse_texts(store)
    transaction = sql.transaction()
    await transaction.start()
    await add_verse(sql, 2, "Never")
    await transaction.rollback()
    await add_verse(sql, 3, "After")
    assert (await verse_texts(store, token))[0] == ["After"]


async def test_a_whole_bible_of_one_transaction_pages_without_loss(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await sql.execute(
        "INSERT INTO verse_texts (verse_id, text_version_id, verse_text)"
        " SELECT 'gen-1-' || n, $1, 'Text ' || n FROM generate_series(1, 31102) AS n",
        TEXT.id,
    )
    seen: list[object] = []
    token, more = None, True
    while more:
        page = await read(store, token, limit=5_000)
        seen += [record.values["verse_text"] for record in page.records]
        token, more = page.scopes[0].token, page.scopes[0].has_more
    assert len(seen) == 31_102
    assert len(set(seen)) == 31_102


async def test_many_changes_of_one_record_come_as_one(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    verse = await add_verse(sql)
    for number in range(5):
        await sql.execute(
            "UPDATE verse_texts SET verse_text = $2 WHERE id = $1", verse, f"Text {number}"
        )
    assert (await verse_texts(store))[0] == ["Text 4"]


async def test_nothing_new_in_forty_versions_is_one_statement(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    scopes = [Scope(ScopeKind.TEXT, f"b0000000-0000-4000-8000-{n:012x}") for n in range(40)]
    for number, scope in enumerate(scopes):
        await add_version(sql, scope)
        await add_verse(sql, number, scope=scope)
    page = await store.read_changes(
        FeedQuery(scopes=[(scope, None) for scope in scopes], limit=1_000)
    )
    assert len(page.records) == 80
    statements: list[str] = []
    reader = await asyncpg.connect(url)
    reader.add_query_logger(lambda one: statements.append(one.query))
    query = FeedQuery(scopes=[(one.scope, one.token) for one in page.scopes], limit=1_000)
    again = await feed.read_changes(reader, query)
    await reader.close()
    assert again.records == []
    assert [one.token for one in again.scopes] == [one.token for one in page.scopes]
    assert len(statements) == 1


async def test_changes_of_other_tables_do_not_stay_unread(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    """Who asks for some tables only has read the others too when the end is reached."""
    await add_version(sql)
    await add_verse(sql)
    page = await store.read_changes(
        FeedQuery(scopes=[(TEXT, None)], limit=10, tables=["text_versions"])
    )
    assert [record.table for record in page.records] == ["text_versions"]
    assert (await read(store, page.scopes[0].token)).records == []


async def test_a_row_deleted_by_plain_sql_comes_as_a_deleted_record(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    verse = await add_verse(sql, text="Lost")
    before = (await read(store)).records[0]
    _, token = await verse_texts(store)
    await sql.execute("DELETE FROM verse_texts WHERE id = $1", verse)
    (gone,) = (await read(store, token)).records
    assert (gone.id, gone.values["verse_text"], gone.deleted) == (verse, "Lost", True)
    assert gone.values["deleted_at"] == gone.updated_at
    assert gone.updated_at > before.updated_at
    assert gone.hash != before.hash


async def test_from_the_start_a_deleted_row_comes_once_and_as_deleted(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    verse = await add_verse(sql)
    await sql.execute("UPDATE verse_texts SET verse_text = 'Changed' WHERE id = $1", verse)
    await sql.execute("DELETE FROM verse_texts WHERE id = $1", verse)
    for limit in (1, 1_000):
        page = await read(store, limit=limit)
        assert [record.deleted for record in page.records] == [True]
        assert not page.scopes[0].has_more


async def test_a_row_that_was_deleted_and_made_again_is_there(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    verse = await add_verse(sql)
    await sql.execute("DELETE FROM verse_texts WHERE id = $1", verse)
    await sql.execute(
        "INSERT INTO verse_texts (id, verse_id, text_version_id, verse_text)"
        " VALUES ($1, 'gen-1-1', $2, 'Again')",
        verse,
        TEXT.id,
    )
    (record,) = (await read(store)).records
    assert (record.values["verse_text"], record.deleted) == ("Again", False)


async def test_versions_of_two_kinds_with_one_id_are_kept_apart(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    twin = Scope(ScopeKind.AUDIO, TEXT.id)
    await add_version(sql, TEXT)
    await add_version(sql, twin)
    assert [r.table for r in (await read(store, scope=TEXT)).records] == ["text_versions"]
    assert [r.table for r in (await read(store, scope=twin)).records] == ["audio_versions"]


async def test_names_of_no_transaction_leave_nothing_out(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await add_verse(sql)
    epoch = await sql.fetchval("SELECT epoch FROM sync_epoch")
    written = ["", *(positions.encode(epoch, number) for number in (-1, 2**63, 2**64))]
    page = await store.read_changes(FeedQuery(scopes=[(TEXT, None)], limit=10, written=written))
    assert len(page.records) == 1
