"""Reads of one table: what only PostgreSQL has to do with them."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from hotspot.model import restql
from hotspot.model.reading import MARGIN_MS
from hotspot.upstream.rest import Statement
from hotspot.upstream.store import PostgresStore
from tests.upstream.builders import TEXT, add_verse, add_version

VERSES = 5_000
OLD = "2020-01-01T00:00:00.000Z"
SINCE = ("updated_at", "gte.2026-01-01T00:00:00Z")
ORDER = ("order", "updated_at.asc,id.asc")
AFTER = ("id", "gt.80000000-0000-4000-8000-000000000000")


async def ids(store: PostgresStore, *pairs: tuple[str, str]) -> list[Any]:
    page = await store.read_table(restql.parse("verse_texts", pairs), counted=False)
    return [row["id"] for row in page.rows]


async def came(sql: asyncpg.Connection, verse: str, interval: str) -> None:
    """Moves the moment at which a verse came, without a trigger noticing."""
    async with sql.transaction():
        await sql.execute("SET LOCAL session_replication_role = replica")
        await sql.execute(
            "UPDATE verse_texts SET arrived_at = now() - $2::text::interval WHERE id = $1",
            verse,
            interval,
        )


async def test_what_arrived_since_is_found_under_older_stamps(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await add_version(sql)
    early, late = await add_verse(sql, 1), await add_verse(sql, 2)
    await sql.execute("UPDATE verse_texts SET updated_at = $1::text::timestamptz", OLD)
    now = await sql.fetchval("SELECT canonical(now())")
    await came(sql, early, f"{2 * MARGIN_MS} milliseconds")
    assert await ids(store, ("updated_at", f"gte.{now}")) == [late]
    assert await ids(store, ("updated_at", f"gt.{now}")) == []
    assert set(await ids(store, ("updated_at", f"gte.{OLD}"))) == {early, late}
    await came(sql, late, f"{2 * MARGIN_MS} milliseconds")
    assert await ids(store, ("updated_at", f"gte.{now}")) == []
    await sql.execute("UPDATE verse_texts SET publish_status = publish_status")
    assert await ids(store, ("updated_at", f"gte.{now}")) == []
    await sql.execute(
        "UPDATE verse_texts SET verse_text = 'x', updated_at = updated_at + interval '1 ms'"
        " WHERE id = $1",
        early,
    )
    assert await ids(store, ("updated_at", f"gte.{now}")) == [early]


async def test_context_is_read_whatever_its_ids_are(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    language = "e0000000-0000-4000-8000-000000000001"
    await sql.execute("INSERT INTO language_entities (id, name) VALUES ($1, 'Kiswahili')", language)
    await sql.execute("INSERT INTO regions (id, name) VALUES ('TZ', 'Tanzania'), ('ke', 'Kenya')")

    async def read(table: str, *pairs: tuple[str, str]) -> Sequence[Any]:
        page = await store.read_table(restql.parse(table, pairs), counted=True)
        assert page.total == len(page.rows)
        return [row["id"] for row in page.rows]

    for pairs in (
        [("id", f"eq.{language}")],
        [("id", f"in.({language})")],
        [("id", "gt.a")],
        [ORDER, ("id", "gt.a"), SINCE],
    ):
        assert await read("language_entities", *pairs) == [language]
    assert await read("regions") == ["TZ", "ke"]
    assert await read("regions", ("name", "gt.Kenya")) == ["TZ"]
    assert await read("media_files_tags") == []


@pytest.fixture
async def filled(sql: asyncpg.Connection) -> asyncpg.Connection:
    """A database with ten versions of which each has VERSES rows; PostgreSQL knows how many."""
    async with sql.transaction():
        await sql.execute("SET LOCAL session_replication_role = replica")
        await sql.execute(
            "INSERT INTO verse_texts"
            " (id, verse_id, text_version_id, verse_text, updated_at, content_hash, row_hash)"
            " SELECT md5(n::text)::uuid, 'gen-' || n,"
            "   CASE n / $2::bigint WHEN 5 THEN $1::uuid ELSE md5((n / $2)::text)::uuid END,"
            "   'In the beginning', timestamptz '2026-01-01Z' + n * interval '1 s', '', 0"
            " FROM generate_series(0, 10 * $2 - 1) n",
            TEXT.id,
            VERSES,
        )
    await sql.execute("ANALYZE verse_texts")
    return sql


@pytest.mark.parametrize(
    ("pairs", "index"),
    [
        ([ORDER], "verse_texts_stamps"),
        ([ORDER, AFTER], "verse_texts_stamps"),
        ([ORDER, SINCE, ("deleted_at", "is.null")], "verse_texts_stamps"),
        ([ORDER, SINCE, AFTER, ("deleted_at", "is.null")], "verse_texts_stamps"),
        ([("order", "id.asc"), AFTER], "verse_texts_scope"),
    ],
)
async def test_a_page_of_a_version_is_read_where_it_begins(
    filled: asyncpg.Connection, pairs: list[tuple[str, str]], index: str
) -> None:
    scope = ("text_version_id", f"eq.{TEXT.id}")
    asked = restql.parse("verse_texts", [scope, ("limit", "100"), *pairs])
    statement, *parameters = Statement(asked).rows()
    plan = await filled.fetch(f"EXPLAIN {statement}", *parameters)
    steps = "\n".join(row[0] for row in plan)
    assert f"using {index}" in steps, steps
    assert "Sort" not in steps and "Seq Scan" not in steps, steps
    [begins] = [row[0] for row in plan if "Index Cond: " in row[0] and "text_version" in row[0]]
    assert ("> ROW(" in begins or "id >" in begins) is (AFTER in pairs), steps
