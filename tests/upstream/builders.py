"""Rows written by plain SQL, short to write."""

from typing import Any

import asyncpg

from hotspot.model.stores import FeedPage, FeedQuery
from hotspot.model.tables import Scope, ScopeKind
from hotspot.upstream.store import PostgresStore

LANGUAGE = "e0000000-0000-4000-8000-000000000001"
TEXT = Scope(ScopeKind.TEXT, "b0000000-0000-4000-8000-000000000001")
OTHER = Scope(ScopeKind.TEXT, "b0000000-0000-4000-8000-000000000002")
AUDIO = Scope(ScopeKind.AUDIO, "c0000000-0000-4000-8000-000000000001")


async def add_version(sql: asyncpg.Connection, scope: Scope = TEXT) -> None:
    """The row of a version."""
    table = "text_versions" if scope.kind is ScopeKind.TEXT else "audio_versions"
    await sql.execute(
        f"INSERT INTO {table} (id, language_entity_id, name) VALUES ($1, $2, 'A version')",
        scope.id,
        LANGUAGE,
    )


async def add_verse(
    sql: asyncpg.Connection, number: int = 1, text: str = "Text", scope: Scope = TEXT
) -> str:
    """A verse; its id."""
    return str(
        await sql.fetchval(
            "INSERT INTO verse_texts (verse_id, text_version_id, verse_text)"
            " VALUES ($1, $2, $3) RETURNING id::text",
            f"gen-1-{number}",
            scope.id,
            text,
        )
    )


async def add_user(sql: asyncpg.Connection, name: str = "Ruth") -> str:
    """A user; the id."""
    query = "INSERT INTO users (name) VALUES ($1) RETURNING id::text"
    return str(await sql.fetchval(query, name))


async def log(sql: asyncpg.Connection) -> list[dict[str, Any]]:
    """What the change log says of verses, in order, and the log is empty afterwards."""
    rows = await sql.fetch(
        "WITH gone AS (DELETE FROM change_log RETURNING *)"
        " SELECT operation, change_source AS source, changed_by::text AS who, scope,"
        " record_id::text AS record, old_data ->> 'verse_text' AS old,"
        " new_data ->> 'verse_text' AS new"
        " FROM gone WHERE table_name = 'verse_texts' ORDER BY xid, seq"
    )
    return [dict(row) for row in rows]


async def read(
    store: PostgresStore, token: str | None = None, scope: Scope = TEXT, limit: int = 1_000
) -> FeedPage:
    """One page of one scope."""
    return await store.read_changes(FeedQuery(scopes=[(scope, token)], limit=limit))


async def verse_texts(
    store: PostgresStore, token: str | None = None, scope: Scope = TEXT
) -> tuple[list[object], str | None]:
    """The texts of the verses after a position, and the position that they lead to."""
    page = await read(store, token, scope)
    verses = [r.values["verse_text"] for r in page.records if r.table == "verse_texts"]
    return list(verses), page.scopes[0].token
