"""No statement that is asked often reads a whole table, however much lies in it.

PostgreSQL itself tells how it ran each statement, those of triggers too.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import pytest

from hotspot.model import instants, restql
from hotspot.model.aliases import natural_key
from hotspot.model.digest import Range
from hotspot.model.records import Key, Record
from hotspot.model.stores import Accepted, FeedQuery, Loser, Provenance
from hotspot.model.tables import Scope, ScopeKind
from hotspot.upstream import devices, digests, epochs, feed, rest, version_status
from hotspot.upstream.transaction import PostgresTransaction
from tests.contract.opened import DEVICE, T1, edited, verse
from tests.upstream.builders import LANGUAGE

VERSIONS, ROWS, MORE, OTHERS = 40, 6_000, 60_000, 4_000
SMALL = {"sync_epoch"}
"""Tables of one row."""

_FILL = f"""
INSERT INTO text_versions (id, language_entity_id, name)
SELECT ('b0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '{LANGUAGE}', 'Version'
FROM generate_series(1, {OTHERS}) AS n;
INSERT INTO audio_versions (id, language_entity_id, name)
SELECT gen_random_uuid(), '{LANGUAGE}', 'Version' FROM generate_series(1, {OTHERS}) AS n;
INSERT INTO verse_texts (verse_id, text_version_id, verse_text, created_at)
SELECT 'gen-1-' || n,
  ('b0000000-0000-4000-8000-' || lpad((1 + n % {VERSIONS})::text, 12, '0'))::uuid, 'Text', now()
FROM generate_series(1, {ROWS}) AS n;
ALTER TABLE verse_texts DISABLE TRIGGER USER;
INSERT INTO verse_texts (verse_id, text_version_id, verse_text, updated_at, content_hash, row_hash)
SELECT 'gen-2-' || n, '{LANGUAGE}', 'Text', now(), 'hash', n FROM generate_series(1, {MORE}) AS n;
ALTER TABLE verse_texts ENABLE TRIGGER USER;
INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, {OTHERS});
INSERT INTO devices (id, user_id, name, role, token_hash)
SELECT id, id, 'Box', 'hotspot', id::text FROM users;
INSERT INTO answered_batches (device_id, batch_id, body_hash, answer)
SELECT id, 'batch', 'hash', 'answer' FROM devices;
INSERT INTO record_aliases
SELECT 'verse_texts', gen_random_uuid(), id FROM verse_texts LIMIT {OTHERS};
INSERT INTO stamp_doubts SELECT 'verse_texts', id, 'version', 1 FROM verse_texts LIMIT {OTHERS};
INSERT INTO losing_versions (table_name, record_id, version, record, winner, resolution, reason)
SELECT 'verse_texts', id, 'version', '{{}}', 'winner', 'server_wins', 'reason'
FROM verse_texts LIMIT {OTHERS};
"""


def scope(number: int) -> Scope:
    return Scope(ScopeKind.TEXT, f"b0000000-0000-4000-8000-{number:012}")


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
async def told(
    request: pytest.FixtureRequest, sql: asyncpg.Connection
) -> AsyncIterator[list[dict[str, Any]]]:
    """The plans of what `sql` does from now on, in a database with much in every table.

    PostgreSQL plans a statement for its values at first, and for any values when it comes often.
    """
    await sql.execute(_FILL)
    await devices.add_device(sql, DEVICE, "d0" * 32)
    await epochs.bind(sql)
    await sql.execute("VACUUM ANALYZE")
    await sql.execute(
        "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;"
        " SET auto_explain.log_nested_statements = on; SET auto_explain.log_format = json;"
        f" SET client_min_messages = log; SET plan_cache_mode = {request.param}"
    )
    plans: list[dict[str, Any]] = []

    def keep(_connection: object, message: Any) -> None:
        if "plan:" in message.message:
            plans.append(json.loads(message.message.partition("plan:")[2]))

    sql.add_log_listener(keep)
    yield plans
    sql.remove_log_listener(keep)


def read_whole(node: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads from one end to the other, apart from PostgreSQL's own."""
    table = node.get("Relation Name", "pg_")
    if node["Node Type"] == "Seq Scan" and table not in SMALL and not table.startswith("pg_"):
        yield table
    for part in node.get("Plans", ()):
        yield from read_whole(part)


def check(plans: list[dict[str, Any]]) -> None:
    assert plans
    for plan in plans:
        assert not list(read_whole(plan["Plan"])), plan["Query Text"]
    plans.clear()


async def test_reading_looks_at_what_was_asked_for(
    sql: asyncpg.Connection, told: list[dict[str, Any]]
) -> None:
    followed = [scope(number) for number in range(1, VERSIONS + 1)]
    start = await feed.read_changes(
        sql, FeedQuery(scopes=[(one, None) for one in followed[:2]], limit=500)
    )
    check(told)
    tokens = [(one.scope, one.token) for one in start.scopes]
    await feed.read_changes(sql, FeedQuery(scopes=tokens, limit=500, since=T1))
    check(told)
    ids = [record.id for record in start.records[:50]]
    named = FeedQuery(scopes=tokens, limit=500, record_ids=ids)
    assert len((await feed.read_changes(sql, named)).records) == 50
    check(told)
    whole = Range("", "")
    await digests.digest(sql, [(one, [whole]) for one in followed])
    await digests.list_versions(sql, followed[0], [Range("", "01")])
    await version_status.version_news(sql, followed[0], T1)
    await devices.device_by_token(sql, "d0" * 32)
    check(told)


async def test_tables_are_read_by_their_versions(
    sql: asyncpg.Connection, told: list[dict[str, Any]]
) -> None:
    for asked in (
        "text_version_id=eq.{v}&order=updated_at.asc,id.asc&limit=100",
        "text_version_id=eq.{v}&updated_at=gte.2030-01-01T00:00:00Z&order=updated_at.asc,id.asc",
        "text_version_id=eq.{v}&verse_id=in.(gen-1-1,gen-1-2)",
        "id=eq.{v}",
    ):
        query = restql.parse("verse_texts", parse_qsl(asked.format(v=scope(1).id)))
        await rest.read_table(sql, query, counted=True)
        check(told)


async def test_uploads_look_at_their_own_rows(
    sql: asyncpg.Connection, told: list[dict[str, Any]]
) -> None:
    page = await feed.read_changes(sql, FeedQuery(scopes=[(scope(1), None)], limit=100))
    verses = [record for record in page.records if record.table == "verse_texts"]
    told.clear()
    edits = [edited(row, "Edited", instants.later(row.updated_at, 60_000)) for row in verses]
    new = [verse(n, scope=scope(2)) for n in range(900_000, 900_050)]
    rows: list[Record] = [*edits, *new]
    by = Provenance(device_id=DEVICE.id)
    async with sql.transaction():
        await sql.execute("SELECT set_config('hotspot.change_source', 'sync', true)")
        tx = PostgresTransaction(sql)
        await tx.stored_answer(DEVICE.id, "batch")
        await tx.take_turns([scope(1), scope(2)])
        await tx.known_scopes([scope(1), scope(2)])
        keys = [Key(row.table, row.id) for row in rows]
        await tx.canonical(keys)
        await tx.current(keys)
        await tx.holders([key for row in new if (key := natural_key(row)) is not None])
        await tx.accept([Accepted(row, None, by) for row in rows])
        await tx.keep_losers([Loser(row, "w", "local_wins", "r", DEVICE.id) for row in verses])
        await tx.store_answer(DEVICE.id, "batch", "hash", b"{}")
    check(told)
