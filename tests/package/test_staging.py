"""Staging an honest package: what comes out is what went in."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot.model import records
from hotspot.model.digest import row_hash
from hotspot.model.tables import BY_NAME, CONTENT_TABLES, CONTEXT_TABLES
from hotspot.package.child import Limits
from tests.package.pieces import (
    AUDIO_ID,
    CREATED_AT,
    TEXT_ID,
    combined,
    rows,
    sections,
    staged,
    text_only,
    with_database,
    with_sql,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


def test_staging_holds_what_the_package_holds(tmp_path: Path) -> None:
    package = combined(tmp_path)
    source = tmp_path / "source.db"
    source.write_bytes(sections(package)[1])

    result = staged(package, tmp_path / "staging.db")

    assert result.staging == tmp_path / "staging.db"
    assert result.manifest.package_id == "test-package"
    for table in (*CONTENT_TABLES, *CONTEXT_TABLES):
        found = rows(result.staging, table.name)
        wanted = rows(source, f"package_{table.name}")
        assert result.rows.get(table.name, 0) == len(wanted)
        for row in found:
            hashes = row.pop("content_hash", None), row.pop("row_hash", None)
            if table.name in BY_NAME:
                whole = {**row, "is_bible_audio": bool(row.get("is_bible_audio"))}
                fields = {name: whole[name] for name in row}
                parsed = records.parse(table, row["id"], fields)
                record = records.build(table, row["id"], parsed, row["updated_at"])
                number = row_hash(record.id, record.updated_at, record.hash)
                assert hashes == (record.hash, number)
        assert found == wanted
    assert result.rows["verse_texts"] == result.rows["media_files"] == 2
    assert result.rows["text_versions"] == result.rows["audio_versions"] == 1


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_any_text_comes_through(tmp_path: Path, texts: list[str]) -> None:
    verses = [(f"ps-119-{number}", text) for number, text in enumerate(texts, start=1)]
    package = text_only(tmp_path, verses)
    result = staged(package, tmp_path / "staging.db")
    found = {row["verse_id"]: row["verse_text"] for row in rows(result.staging, "verse_texts")}
    assert found == dict(verses)


def test_nothing_but_staging_is_left(tmp_path: Path) -> None:
    package = combined(tmp_path)
    folder = tmp_path / "incoming"
    folder.mkdir()
    staged(package, folder / "a.staging")
    assert [path.name for path in folder.iterdir()] == ["a.staging"]


def test_what_an_interrupted_run_left_is_replaced(tmp_path: Path) -> None:
    package = text_only(tmp_path)
    for name in ("a.staging", "a.staging.source"):
        (tmp_path / name).write_bytes(b"left by a power cut")
    result = staged(package, tmp_path / "a.staging")
    assert len(rows(result.staging, "verse_texts")) == 2


def test_tables_and_columns_that_a_package_lacks_are_null(tmp_path: Path) -> None:
    package = with_sql(
        combined(tmp_path),
        """
        DROP TABLE package_tags;
        ALTER TABLE package_media_files DROP COLUMN object_key;
        ALTER TABLE package_media_files_verses DROP COLUMN denormalized_audio_version_id;
        ALTER TABLE package_verse_texts ADD COLUMN reading_level TEXT;
        CREATE TABLE package_media_files_targets (id TEXT PRIMARY KEY);
        CREATE INDEX by_verse ON package_verse_texts (verse_id);
        """,
    )
    result = staged(package, tmp_path / "staging.db")
    assert {row["object_key"] for row in rows(result.staging, "media_files")} == {None}
    timings = rows(result.staging, "media_files_verses")
    assert {row["denormalized_audio_version_id"] for row in timings} == {AUDIO_ID}
    assert "reading_level" not in rows(result.staging, "verse_texts")[0]


def test_a_database_left_in_wal_mode_is_read(tmp_path: Path) -> None:
    package = with_sql(text_only(tmp_path), "PRAGMA journal_mode = WAL;")
    assert sections(package)[1][18:20] == b"\x02\x02"
    assert staged(package, tmp_path / "staging.db").rows["verse_texts"] == 2


@pytest.mark.parametrize(
    ("latest", "stamp"),
    [
        (None, CREATED_AT),
        ("2025-12-24T00:00:00.000Z", "2025-12-24T00:00:00.000Z"),
        ("2027-01-01T00:00:00.000Z", CREATED_AT),
    ],
)
def test_stamps_to_come_are_clamped(tmp_path: Path, latest: str | None, stamp: str) -> None:
    future = "UPDATE package_verse_texts SET updated_at = '2031-05-05T05:05:05.555Z'"
    package = with_sql(text_only(tmp_path), future)
    result = staged(package, tmp_path / "staging.db", latest=latest)
    assert {row["updated_at"] for row in rows(result.staging, "verse_texts")} == {stamp}


def test_reading_a_package_takes_little_memory(tmp_path: Path) -> None:
    """The limit is below what the package's text and audio take together."""
    verses = [(f"ps-{number // 900 + 1}-{number % 900}", "x" * 5000) for number in range(9000)]
    package = text_only(tmp_path, verses)
    assert package.stat().st_size > 45_000_000
    limits = Limits(memory_bytes=96 << 20)
    result = staged(package, tmp_path / "staging.db", limits=limits)
    assert result.rows["verse_texts"] == 9000


def test_damage_to_audio_does_not_keep_the_text_back(tmp_path: Path) -> None:
    manifest, database, sound = sections(combined(tmp_path))
    package = with_database(tmp_path / "combined.bible", database, manifest, sound[::-1])
    result = staged(package, tmp_path / "staging.db")
    assert [row["text_version_id"] for row in rows(result.staging, "verse_texts")] == [TEXT_ID] * 2
