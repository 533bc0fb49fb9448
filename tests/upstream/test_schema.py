"""The schema has what others build on, by its names."""

import asyncpg
import pytest

from hotspot.model.tables import CONTENT_TABLES, CONTEXT_TABLES, STAMP_COLUMNS, Table, Type

COLUMNS = {
    "change_log": [
        ("id", "uuid"),
        ("table_name", "text"),
        ("record_id", "uuid"),
        ("operation", "text"),
        ("old_data", "jsonb"),
        ("new_data", "jsonb"),
        ("changed_by", "uuid"),
        ("changed_at", "timestamp with time zone"),
        ("change_source", "text"),
    ],
    "package_generations": [
        ("id", "uuid"),
        ("package_id", "text"),
        ("package_type", "text"),
        ("audio_version_id", "uuid"),
        ("text_version_id", "uuid"),
        ("language_entity_id", "uuid"),
        ("generated_at", "timestamp with time zone"),
        ("generated_by", "uuid"),
        ("file_size_bytes", "bigint"),
        ("generation_time_seconds", "integer"),
        ("cache_hit", "boolean"),
    ],
    "sync_sessions": [
        ("id", "uuid"),
        ("user_id", "uuid"),
        ("device_id", "text"),
        ("package_id", "text"),
        ("started_at", "timestamp with time zone"),
        ("completed_at", "timestamp with time zone"),
        ("status", "text"),
        ("changes_downloaded", "integer"),
        ("changes_uploaded", "integer"),
        ("error_message", "text"),
    ],
}
ANALYTICS = [
    "sync_date",
    "total_syncs",
    "avg_changes",
    "successful_syncs",
    "failed_syncs",
    "avg_duration_seconds",
]
TYPES = {
    Type.TEXT: "text",
    Type.UUID: "uuid",
    Type.INSTANT: "timestamp with time zone",
    Type.REAL: "double precision",
    Type.INTEGER: "bigint",
    Type.BOOLEAN: "boolean",
}


async def columns_of(sql: asyncpg.Connection, table: str) -> list[tuple[str, str, bool]]:
    rows = await sql.fetch(
        "SELECT column_name::text, data_type::text, is_nullable = 'NO'"
        " FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position",
        table,
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("table", COLUMNS)
async def test_tracking_tables_have_their_columns(sql: asyncpg.Connection, table: str) -> None:
    found = [(name, kind) for name, kind, _ in await columns_of(sql, table)]
    assert found[: len(COLUMNS[table])] == COLUMNS[table]


async def test_the_analytics_view_has_its_columns(sql: asyncpg.Connection) -> None:
    assert [name for name, _, _ in await columns_of(sql, "sync_analytics")] == ANALYTICS


@pytest.mark.parametrize("table", (*CONTENT_TABLES, *CONTEXT_TABLES), ids=lambda t: t.name)
async def test_record_tables_have_the_protocols_columns(
    sql: asyncpg.Connection, table: Table
) -> None:
    found = {name: (kind, needed) for name, kind, needed in await columns_of(sql, table.name)}
    for column in table.columns:
        assert found[column.name] == (TYPES[column.type], column.required)
    for column in STAMP_COLUMNS:
        assert found[column.name] == (TYPES[column.type], column.required)
    extra = {"content_hash", "row_hash", "arrived_at"} if table in CONTENT_TABLES else set()
    assert set(found) == {c.name for c in (*table.columns, *STAMP_COLUMNS)} | {"id"} | extra


async def test_the_five_triggers_call_the_one_function(sql: asyncpg.Connection) -> None:
    rows = await sql.fetch(
        "SELECT t.tgname, t.tgrelid::regclass::text FROM pg_trigger t"
        " JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'log_table_changes'"
    )
    expected = {(f"{table.name}_change_log", table.name) for table in CONTENT_TABLES}
    assert {tuple(row) for row in rows} == expected


async def test_no_table_is_kept_without_its_name_in_the_public_schema(
    sql: asyncpg.Connection,
) -> None:
    rows = await sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {"users", "devices", "sync_epoch", "losing_versions"} <= {row[0] for row in rows}


async def test_analytics_count_the_sessions_of_a_day(sql: asyncpg.Connection) -> None:
    user = await sql.fetchval("INSERT INTO users (name) VALUES ('Ruth') RETURNING id")
    await sql.executemany(
        "INSERT INTO sync_sessions (user_id, started_at, completed_at, status,"
        " changes_downloaded, changes_uploaded)"
        " VALUES ($1, $2::text::timestamptz, $3::text::timestamptz, $4, $5, $6)",
        [
            (user, "2026-11-21T10:00:00Z", "2026-11-21T10:00:10Z", "completed", 10, 20),
            (user, "2026-11-21T11:00:00Z", "2026-11-21T11:00:30Z", "failed", 0, 10),
            (user, "2026-11-22T10:00:00Z", None, "active", 0, 0),
        ],
    )
    rows = await sql.fetch(
        "SELECT sync_date::text, total_syncs, avg_changes::float, successful_syncs, failed_syncs,"
        " avg_duration_seconds::float FROM sync_analytics"
    )
    assert [tuple(row) for row in rows] == [
        ("2026-11-22", 1, 0.0, 0, 0, None),
        ("2026-11-21", 2, 20.0, 1, 1, 20.0),
    ]
