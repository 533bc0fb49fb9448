"""Every column of every table, with what does not belong there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hotspot.errors import PackageRefused
from hotspot.model.tables import CONTENT_TABLES, CONTEXT_TABLES, STAMP_COLUMNS, Type
from hotspot.package import database
from hotspot.package.reader import open_package
from hotspot.package.rows import Bounds, bounds_of
from tests.package.pieces import OTHER_ID, combined, sections

TABLES = (*CONTENT_TABLES, *CONTEXT_TABLES)
COLUMNS = [
    (table.name, column.name, column.type)
    for table in TABLES
    for column in (*table.columns, *STAMP_COLUMNS)
]
FILLED = f"""
INSERT INTO package_regions (id, name, updated_at) VALUES ('r', 'Region', '2025-01-01T00:00:00Z');
INSERT INTO package_tags (id, updated_at) VALUES ('t', '2025-01-01T00:00:00Z');
INSERT INTO package_media_files_tags (id, media_file_id, tag_id, updated_at)
VALUES ('mt', '{OTHER_ID}', 't', '2025-01-01T00:00:00Z');
"""
NOT_A_TIME = ("", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30", "1700000000", "99999-01-01")
SIZE_IN_PAGES, WRITE_FORMAT, ENCODING = 28, 18, 56


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The database of a package that has a row in every table."""
    path = tmp_path / "source.db"
    path.write_bytes(sections(combined(tmp_path))[1])
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FILLED)
    return path


@pytest.fixture
def bounds(tmp_path: Path, source: Path) -> Bounds:
    return bounds_of(open_package(tmp_path / "combined.bible").manifest, None)


def refusal(source: Path, bounds: Bounds, script: str) -> str:
    """Why the database is refused after `script`; the next call sees it as it was."""
    changed, staging = source.with_name("changed.db"), source.with_name("staging.db")
    changed.write_bytes(source.read_bytes())
    with closing(sqlite3.connect(changed)) as connection:
        connection.executescript(script)
    staging.unlink(missing_ok=True)
    with pytest.raises(PackageRefused) as caught:
        database.stage(changed, staging, bounds)
    return str(caught.value)


def test_a_row_in_every_table_is_fine(source: Path, bounds: Bounds) -> None:
    counts = database.stage(source, source.with_name("staging.db"), bounds)
    assert min(counts.values()) > 0


def test_bytes_fit_in_no_column(source: Path, bounds: Bounds) -> None:
    for table, column, _ in COLUMNS:
        script = f"UPDATE package_{table} SET {column} = x'00ff'"
        assert f"table {table} cannot be used" in refusal(source, bounds, script), column


def test_a_word_is_neither_a_number_nor_an_id_nor_a_time(source: Path, bounds: Bounds) -> None:
    for table, column, kind in COLUMNS:
        if kind is not Type.TEXT:
            script = f"UPDATE package_{table} SET {column} = 'word'"
            assert f"table {table} cannot be used" in refusal(source, bounds, script), column


@pytest.mark.parametrize("value", NOT_A_TIME)
@pytest.mark.parametrize("column", ["created_at", "updated_at", "deleted_at"])
def test_a_time_that_is_none_is_refused(
    source: Path, bounds: Bounds, column: str, value: str
) -> None:
    for table in ("verse_texts", "verses"):
        script = f"UPDATE package_{table} SET {column} = '{value}'"
        assert f"{column} must be a date and time" in refusal(source, bounds, script)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (SIZE_IN_PAGES, b"\xff\xff\xff\xfe"),
        (SIZE_IN_PAGES, b"\x00\x00\x00\x02"),
        (WRITE_FORMAT, b"\x09\x09"),
        (ENCODING, b"\x00\x00\x00\x02"),
    ],
)
def test_a_header_that_lies_is_refused(
    source: Path, bounds: Bounds, place: int, value: bytes
) -> None:
    raw = bytearray(source.read_bytes())
    raw[place : place + len(value)] = value
    source.write_bytes(raw)
    with pytest.raises(PackageRefused, match=r"damaged|cannot be read"):
        database.stage(source, source.with_name("staging.db"), bounds)


def test_a_database_that_has_a_log_is_read_without_it(source: Path, bounds: Bounds) -> None:
    folder = source.parent
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    before = {path.name for path in folder.iterdir()}
    raw = source.read_bytes()
    assert raw[WRITE_FORMAT] == 2
    source.with_name("source.db-wal").write_bytes(b"not a log")
    assert database.stage(source, folder / "staging.db", bounds)["verse_texts"] == 2
    assert {path.name for path in folder.iterdir()} - before == {"staging.db", "source.db-wal"}
    assert source.read_bytes() == raw
