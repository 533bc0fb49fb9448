"""What plain SQL on the server does: stamps, hashes, and the change log."""

import asyncpg
import pytest

from hotspot.model import records
from hotspot.model.tables import MEDIA_FILES_VERSES
from hotspot.upstream.store import PostgresStore
from tests.upstream.builders import (
    AUDIO,
    OTHER,
    TEXT,
    add_user,
    add_verse,
    add_version,
    log,
    verse_texts,
)


async def row(sql: asyncpg.Connection, verse: str) -> asyncpg.Record:
    found = await sql.fetchrow("SELECT * FROM verse_texts WHERE id = $1", verse)
    assert found is not None
    return found


async def test_an_insert_is_logged_with_who_made_it(sql: asyncpg.Connection) -> None:
    user = await add_user(sql)
    verse = await sql.fetchval(
        "INSERT INTO verse_texts (verse_id, text_version_id, verse_text, created_by)"
        " VALUES ('gen-1-1', $1, 'New', $2) RETURNING id::text",
        TEXT.id,
        user,
    )
    assert await log(sql) == [
        {
            "operation": "INSERT",
            "source": "api",
            "who": user,
            "scope": TEXT.id,
            "record": verse,
            "old": None,
            "new": "New",
        }
    ]


async def test_an_update_is_logged_with_both_states(sql: asyncpg.Connection) -> None:
    user, verse = await add_user(sql), await add_verse(sql, text="Old")
    await log(sql)
    await sql.execute(
        "UPDATE verse_texts SET verse_text = 'New', updated_by = $2 WHERE id = $1", verse, user
    )
    (entry,) = await log(sql)
    assert (entry["operation"], entry["who"]) == ("UPDATE", user)
    assert (entry["old"], entry["new"]) == ("Old", "New")


async def test_an_update_that_changes_nothing_is_not_logged(sql: asyncpg.Connection) -> None:
    verse = await add_verse(sql, text="Same")
    before = await row(sql, verse)
    await log(sql)
    await sql.execute("UPDATE verse_texts SET verse_text = 'Same' WHERE id = $1", verse)
    assert await log(sql) == []
    assert await row(sql, verse) == before


async def test_a_hard_delete_is_logged_with_what_was_lost(sql: asyncpg.Connection) -> None:
    verse = await add_verse(sql, text="Lost")
    await log(sql)
    await sql.execute("DELETE FROM verse_texts WHERE id = $1", verse)
    (entry,) = await log(sql)
    assert (entry["operation"], entry["scope"]) == ("DELETE", TEXT.id)
    assert (entry["old"], entry["new"]) == ("Lost", None)


async def test_the_source_is_the_transactions_own(sql: asyncpg.Connection) -> None:
    async with sql.transaction():
        await sql.execute("SELECT set_config('hotspot.change_source', 'migration', true)")
        await add_verse(sql, 1)
    await add_verse(sql, 2)
    assert [entry["source"] for entry in await log(sql)] == ["migration", "api"]


async def test_the_log_forgets_who_where_a_user_is_removed(sql: asyncpg.Connection) -> None:
    user, verse = await add_user(sql), await add_verse(sql)
    await sql.execute("UPDATE verse_texts SET updated_by = $2 WHERE id = $1", verse, user)
    await sql.execute("DELETE FROM users WHERE id = $1", user)
    assert [entry["who"] for entry in await log(sql)] == [None, None]


async def test_a_change_that_keeps_the_stamp_gets_a_later_one(sql: asyncpg.Connection) -> None:
    verse = await add_verse(sql)
    ahead = "2400-01-01T00:00:00.000Z"
    await sql.execute(
        "UPDATE verse_texts SET updated_at = $2::text::timestamptz WHERE id = $1", verse, ahead
    )
    await sql.execute("UPDATE verse_texts SET verse_text = 'Changed' WHERE id = $1", verse)
    after = await sql.fetchval("SELECT canonical(updated_at) FROM verse_texts WHERE id = $1", verse)
    assert after == "2400-01-01T00:00:00.001Z"


async def test_a_change_advances_to_the_time_it_is_made(sql: asyncpg.Connection) -> None:
    verse = await add_verse(sql)
    await sql.execute("UPDATE verse_texts SET updated_at = '2001-01-01Z' WHERE id = $1", verse)
    await sql.execute("UPDATE verse_texts SET verse_text = 'Changed' WHERE id = $1", verse)
    fresh = "SELECT updated_at > now() - interval '1 minute' FROM verse_texts WHERE id = $1"
    assert await sql.fetchval(fresh, verse)


async def test_a_stamp_that_is_given_stands(sql: asyncpg.Connection) -> None:
    verse = await add_verse(sql)
    await sql.execute(
        "UPDATE verse_texts SET verse_text = 'Old news', updated_at = '2001-01-01Z' WHERE id = $1",
        verse,
    )
    stamp = await sql.fetchval("SELECT canonical(updated_at) FROM verse_texts WHERE id = $1", verse)
    assert stamp == "2001-01-01T00:00:00.000Z"


async def test_a_stamp_cannot_be_taken_away(sql: asyncpg.Connection) -> None:
    verse = await add_verse(sql)
    before = await row(sql, verse)
    await sql.execute("UPDATE verse_texts SET updated_at = NULL WHERE id = $1", verse)
    assert (await row(sql, verse))["updated_at"] == before["updated_at"]
    await sql.execute(
        "UPDATE verse_texts SET updated_at = NULL, verse_text = 'B' WHERE id = $1", verse
    )
    assert (await row(sql, verse))["updated_at"] > before["updated_at"]


async def test_nobody_writes_a_hash_of_their_own(sql: asyncpg.Connection) -> None:
    verse = await add_verse(sql)
    before = (await row(sql, verse))["content_hash"]
    await sql.execute("UPDATE verse_texts SET content_hash = 'forged' WHERE id = $1", verse)
    assert (await row(sql, verse))["content_hash"] == before


async def test_zero_and_minus_zero_are_one_number(sql: asyncpg.Connection) -> None:
    hashes = [
        await sql.fetchval(
            "INSERT INTO media_files_verses (media_file_id, verse_id, start_time_seconds)"
            " VALUES ($1, 'gen-1-1', $2) ON CONFLICT (media_file_id, verse_id)"
            " WHERE deleted_at IS NULL DO UPDATE SET start_time_seconds = $2"
            " RETURNING content_hash",
            AUDIO.id,
            start,
        )
        for start in (0.0, -0.0)
    ]
    values: dict[str, records.Value] = dict.fromkeys(c.name for c in MEDIA_FILES_VERSES.content)
    values |= {"media_file_id": AUDIO.id, "verse_id": "gen-1-1", "start_time_seconds": 0.0}
    assert hashes == [records.content_hash(MEDIA_FILES_VERSES, values)] * 2


@pytest.mark.parametrize("number", ["'NaN'", "'Infinity'", "-1e15"])
async def test_numbers_that_cannot_travel_are_refused(sql: asyncpg.Connection, number: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await sql.execute(
            "INSERT INTO media_files_verses (media_file_id, verse_id, start_time_seconds)"
            f" VALUES ($1, 'gen-1-1', {number})",
            AUDIO.id,
        )


async def test_who_follows_the_version_that_a_record_leaves_hears_of_it(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    for scope in (TEXT, OTHER):
        await add_version(sql, scope)
    verse = await add_verse(sql)
    _, old = await verse_texts(store)
    _, new = await verse_texts(store, scope=OTHER)
    await sql.execute("UPDATE verse_texts SET text_version_id = $2 WHERE id = $1", verse, OTHER.id)
    assert (await verse_texts(store, old))[0] == ["Text"]
    assert (await verse_texts(store, new, OTHER))[0] == ["Text"]
