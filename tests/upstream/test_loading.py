"""Packages loaded by the operator: what is new, or newer than here, in one transaction."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from hotspot.config import Config
from hotspot.errors import PackageRefused
from hotspot.model import instants, records
from hotspot.model.stores import FeedQuery
from hotspot.model.tables import BY_NAME, Scope, ScopeKind
from hotspot.package.writer import build
from hotspot.upstream import administration, loading
from hotspot.upstream.store import PostgresStore
from tests.package.pieces import AUDIO_ID, CREATED_AT, TEXT_ID, VERSES, combined, spec, text

TEXTS = "SELECT verse_id, verse_text FROM verse_texts ORDER BY verse_id"


@pytest.fixture
def config(url: str, tmp_path: Path) -> Config:
    return Config(database_url=url, data_dir=tmp_path / "data")


async def package_of(folder: Path, verses: list[tuple[str, str]], updated_at: str) -> Path:
    """A text package whose rows have this stamp."""
    path = folder / "made.bible"
    created = instants.later(CREATED_AT, 10**9)
    made = spec(text=text(verses), updated_at=updated_at, created_at=created)
    await asyncio.to_thread(build, made, path)
    return path


def saying(words: str) -> list[tuple[str, str]]:
    """Every verse says the same."""
    return [(verse_id, words) for verse_id, _ in VERSES]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return combined(tmp_path)


async def test_all_rows_of_a_package_are_here_afterwards(
    config: Config, sql: asyncpg.Connection, whole: Path
) -> None:
    done = await administration.import_package(config, whole)
    assert done.package_id == "test-package"
    assert {name: count for name, count in done.written.items() if count} == {
        name: count for name, count in done.rows.items() if count
    }
    assert [tuple(row) for row in await sql.fetch(TEXTS)] == VERSES
    timing = await sql.fetchrow("SELECT * FROM media_files_verses ORDER BY verse_id")
    assert timing is not None
    assert timing["start_time_seconds"] == 0.5
    assert str(timing["denormalized_audio_version_id"]) == AUDIO_ID
    assert await sql.fetchval("SELECT count(*) FROM verses") >= len(VERSES)
    sources = await sql.fetch("SELECT DISTINCT change_source FROM change_log")
    assert [row[0] for row in sources] == ["import"]


async def test_rows_come_out_as_the_records_that_went_in(
    config: Config, store: PostgresStore, whole: Path
) -> None:
    await administration.import_package(config, whole)
    scopes = [Scope(ScopeKind.TEXT, TEXT_ID), Scope(ScopeKind.AUDIO, AUDIO_ID)]
    page = await store.read_changes(FeedQuery(scopes=[(one, None) for one in scopes], limit=100))
    assert {record.table for record in page.records} == set(BY_NAME)
    for record in page.records:
        assert record.hash == records.content_hash(BY_NAME[record.table], record.values)


async def test_the_same_package_again_writes_nothing(
    config: Config, sql: asyncpg.Connection, whole: Path
) -> None:
    await administration.import_package(config, whole)
    logged = await sql.fetchval("SELECT count(*) FROM change_log")
    again = await administration.import_package(config, whole)
    assert set(again.written.values()) == {0}
    assert await sql.fetchval("SELECT count(*) FROM change_log") == logged


@pytest.mark.parametrize(("shift", "wins"), [(1, True), (0, False), (-1, False)])
async def test_only_newer_rows_replace(
    config: Config, sql: asyncpg.Connection, tmp_path: Path, whole: Path, shift: int, wins: bool
) -> None:
    await administration.import_package(config, whole)
    here = instants.later(CREATED_AT, 60_000)
    await sql.execute(
        "UPDATE verse_texts SET verse_text = 'Here', updated_at = $1::text::timestamptz", here
    )
    path = await package_of(tmp_path, saying("There"), instants.later(here, shift))
    done = await administration.import_package(config, path)
    assert done.written["verse_texts"] == (len(VERSES) if wins else 0)
    words = {row["verse_text"] for row in await sql.fetch(TEXTS)}
    assert words == {"There" if wins else "Here"}


async def test_a_newer_stamp_on_the_same_content_changes_nothing(
    config: Config, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    first = await package_of(tmp_path, saying("Same"), CREATED_AT)
    await administration.import_package(config, first)
    before = await sql.fetch("SELECT * FROM verse_texts ORDER BY id")
    later = await package_of(tmp_path, saying("Same"), instants.later(CREATED_AT, 5))
    await administration.import_package(config, later)
    assert await sql.fetch("SELECT * FROM verse_texts ORDER BY id") == before


async def test_a_load_that_fails_leaves_nothing(
    sql: asyncpg.Connection, config: Config, whole: Path
) -> None:
    await sql.execute("ALTER TABLE verse_texts ADD CHECK (verse_text <> $$" + VERSES[1][1] + "$$)")
    with pytest.raises(asyncpg.CheckViolationError):
        await administration.import_package(config, whole)
    for table in ("language_entities", "text_versions", "verse_texts", "change_log"):
        assert await sql.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_what_is_no_package_is_refused(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "no.bible"
    path.write_bytes(b"not a package")
    with pytest.raises(PackageRefused):
        await administration.import_package(config, path)


async def test_a_package_larger_than_one_statement(
    config: Config, sql: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "CHUNK", 3)
    verses = [(f"ps-119-{n}", f"Verse {n}") for n in range(1, 11)]
    path = await package_of(tmp_path, verses, CREATED_AT)
    done = await administration.import_package(config, path)
    assert done.written["verse_texts"] == 10
    assert await sql.fetchval("SELECT count(*) FROM verse_texts") == 10
    assert await sql.fetchval("SELECT count(*) FROM text_versions WHERE id = $1", TEXT_ID) == 1
