"""The tables are those that the sync strategy names, and hold what travels."""

from pathlib import Path

import pytest

from hotspot.model.tables import CONTENT_TABLES, CONTEXT_TABLES, STAMP_COLUMNS, Table, Type
from hotspot.store.store import HotspotStore
from tests.store.support import query

SPECIFIED = {
    "local_packages": [
        ("id", "TEXT", 0, None),
        ("package_type", "TEXT", 1, None),
        ("language_entity_id", "TEXT", 1, None),
        ("audio_version_id", "TEXT", 0, None),
        ("text_version_id", "TEXT", 0, None),
        ("version", "TEXT", 1, None),
        ("imported_at", "TEXT", 1, None),
        ("last_synced_at", "TEXT", 0, None),
        ("sync_status", "TEXT", 0, "'pending'"),
        ("local_size_mb", "REAL", 0, None),
        ("source", "TEXT", 1, None),
        ("manifest_json", "TEXT", 0, None),
        ("created_at", "TEXT", 0, "datetime('now')"),
        ("updated_at", "TEXT", 0, "datetime('now')"),
    ],
    "sync_log": [
        ("id", "INTEGER", 0, None),
        ("package_id", "TEXT", 1, None),
        ("sync_type", "TEXT", 1, None),
        ("started_at", "TEXT", 1, None),
        ("completed_at", "TEXT", 0, None),
        ("status", "TEXT", 1, None),
        ("changes_count", "INTEGER", 0, "0"),
        ("error_message", "TEXT", 0, None),
        ("details_json", "TEXT", 0, None),
    ],
    "record_sync_status": [
        ("id", "INTEGER", 0, None),
        ("table_name", "TEXT", 1, None),
        ("record_id", "TEXT", 1, None),
        ("last_synced_at", "TEXT", 0, None),
        ("sync_status", "TEXT", 0, "'pending'"),
        ("local_updated_at", "TEXT", 0, None),
        ("server_updated_at", "TEXT", 0, None),
        ("conflict_resolution", "TEXT", 0, None),
        ("created_at", "TEXT", 0, "datetime('now')"),
    ],
}
SYNC_COLUMNS = [
    ("sync_status", "TEXT", 0, "'pending'"),
    ("last_synced_at", "TEXT", 0, None),
    ("local_updated_at", "TEXT", 0, None),
    ("import_source", "TEXT", 0, None),
]
INDEXES = {
    "idx_local_packages_sync_status": ("local_packages", ["sync_status"]),
    "idx_local_packages_type_language": ("local_packages", ["package_type", "language_entity_id"]),
    "idx_sync_log_package_status": ("sync_log", ["package_id", "status"]),
    "idx_record_sync_status_table": ("record_sync_status", ["table_name", "sync_status"]),
    "idx_media_files_sync_status": ("media_files", ["sync_status"]),
    "idx_media_files_last_synced": ("media_files", ["last_synced_at"]),
    "idx_verse_texts_sync_status": ("verse_texts", ["sync_status"]),
    "idx_verse_texts_last_synced": ("verse_texts", ["last_synced_at"]),
    "idx_media_files_feed": ("media_files", ["audio_version_id", "seq", "id", "row_hash"]),
    "idx_media_files_verses_feed": (
        "media_files_verses",
        ["denormalized_audio_version_id", "seq", "id", "row_hash"],
    ),
    "idx_verse_texts_feed": ("verse_texts", ["text_version_id", "seq", "id", "row_hash"]),
}
TYPES = {
    Type.TEXT: "TEXT",
    Type.UUID: "TEXT",
    Type.INSTANT: "TEXT",
    Type.REAL: "REAL",
    Type.INTEGER: "INTEGER",
    Type.BOOLEAN: "INTEGER",
}

pytestmark = pytest.mark.usefixtures("store")


def columns(path: Path, table: str) -> list[tuple[str, str, int, str | None]]:
    rows = query(path, f"PRAGMA table_info({table})")
    return [(name, kind, required, default) for _, name, kind, required, default, _ in rows]


@pytest.mark.parametrize("table", SPECIFIED)
def test_the_specified_tables_are_there(path: Path, table: str) -> None:
    expected = SPECIFIED[table]
    assert columns(path, table)[: len(expected)] == expected


@pytest.mark.parametrize("table", ["local_packages", "sync_log"])
def test_they_have_nothing_more_where_nothing_more_is_needed(path: Path, table: str) -> None:
    assert len(columns(path, table)) == len(SPECIFIED[table])


def test_a_record_has_one_status(path: Path) -> None:
    unique = [row for row in query(path, "PRAGMA index_list(record_sync_status)") if row[2]]
    names = [row[2] for row in query(path, f"PRAGMA index_info({unique[0][1]})")]
    assert names == ["table_name", "record_id"]


def test_the_log_refers_to_packages(path: Path) -> None:
    keys = query(path, "PRAGMA foreign_key_list(sync_log)")
    assert [key[2:5] for key in keys] == [("local_packages", "package_id", "id")]


@pytest.mark.parametrize("name", INDEXES)
def test_the_specified_indexes_are_there(path: Path, name: str) -> None:
    table, expected = INDEXES[name]
    found = query(path, "SELECT tbl_name FROM sqlite_master WHERE type='index' AND name=?", name)
    assert found == [(table,)]
    assert [row[2] for row in query(path, f"PRAGMA index_info({name})")] == expected


@pytest.mark.parametrize("table", CONTENT_TABLES, ids=lambda table: table.name)
def test_content_tables_hold_what_travels_and_the_sync_columns(path: Path, table: Table) -> None:
    travelling = [(c.name, TYPES[c.type], int(c.required), None) for c in table.columns]
    stamps = [(c.name, TYPES[c.type], int(c.required), None) for c in STAMP_COLUMNS]
    own = [("content_hash", "TEXT", 1, None), ("seq", "INTEGER", 1, None)]
    local = [("local_path", "TEXT", 0, None)] if table.name == "media_files" else []
    number = ("row_hash", "INTEGER", 1, "0")
    expected = [("id", "TEXT", 0, None), *travelling, *stamps, *own, *local, *SYNC_COLUMNS, number]
    assert columns(path, table.name) == expected
    assert query(path, f"PRAGMA foreign_key_list({table.name})") == []


@pytest.mark.parametrize("table", CONTEXT_TABLES, ids=lambda table: table.name)
def test_context_tables_hold_what_travels(path: Path, table: Table) -> None:
    travelling = [(c.name, TYPES[c.type], int(c.required), None) for c in table.columns]
    stamps = [(c.name, TYPES[c.type], 0, None) for c in STAMP_COLUMNS]
    assert columns(path, table.name) == [("id", "TEXT", 0, None), *travelling, *stamps]


async def test_the_database_is_safe_against_power_cuts(store: HotspotStore, path: Path) -> None:
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert await store._database.read("PRAGMA synchronous") == [(2,)]
    synchronous = await store._database.writer.run(
        lambda connection: connection.execute_fetchall("PRAGMA synchronous")
    )
    assert list(synchronous) == [(2,)]
