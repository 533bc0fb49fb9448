"""Packages that were made to do harm, or are broken: each is refused, and nothing is left."""

import asyncio
import time
from pathlib import Path

import pytest

from hotspot.errors import PackageRefused
from hotspot.package.child import Limits
from hotspot.package.verify import stage
from tests.package.pieces import (
    OTHER_ID,
    combined,
    compose,
    sections,
    staged,
    text_only,
    with_database,
    with_manifest,
    with_sql,
)

BUSY = """
CREATE TABLE busy (x INTEGER);
WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 60000)
INSERT INTO busy SELECT 800000 FROM n;
CREATE INDEX busy_x ON busy (x);
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = 'CREATE INDEX busy_x ON busy (length(hex(zeroblob(x / 2))))'
WHERE name = 'busy_x';
"""
"""Checking this database keeps a machine busy for half a minute: an index entry takes long."""


def refusal(package: Path) -> str:
    """The sentence with which a package is refused, after which nothing of it is left."""
    folder = package.parent / "incoming"
    folder.mkdir()
    with pytest.raises(PackageRefused) as caught:
        staged(package, folder / "staging.db")
    assert list(folder.iterdir()) == []
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("CREATE VIEW v AS SELECT 1", "'v' is a 'create view'"),
        (
            "ALTER TABLE package_verse_texts RENAME TO t;"
            "CREATE VIEW package_verse_texts AS SELECT * FROM t",
            "'package_verse_texts' is a 'create view'",
        ),
        (
            "CREATE TRIGGER t AFTER INSERT ON package_tags BEGIN SELECT 1; END",
            "'t' is a 'create trigger'",
        ),
        ("CREATE VIRTUAL TABLE v USING fts5(x)", "'v' is a 'create virtual'"),
        ("CREATE VIRTUAL TABLE v USING rtree(id, a, b)", "'v' is a 'create virtual'"),
        ("CREATE TABLE g (a, b AS (a + 1))", "'g' has a generated column"),
        ("CREATE TABLE g (a, b AS (a + 1) STORED)", "'g' has a generated column"),
        (
            "ALTER TABLE package_verse_texts RENAME COLUMN verse_text TO t;"
            "ALTER TABLE package_verse_texts ADD COLUMN verse_text AS (upper(verse_id))",
            "'package_verse_texts' has a generated column",
        ),
        (
            "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_master SET sql = 'CREATE VIEW package_tags AS SELECT 1', type = 'table' "
            "WHERE name = 'package_tags'",
            "cannot be read",
        ),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE x' "
            "WHERE name = 'package_tags'",
            "cannot be read",
        ),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master "
            "SET sql = CAST(x'435245415445204EFF542078' AS TEXT) WHERE name = 'package_tags'",
            "cannot be read",
        ),
        ("DROP TABLE package_text_versions", "lacks the row of its own version in text_versions"),
        (
            f"UPDATE package_text_versions SET id = '{OTHER_ID}'",
            "belongs to another version",
        ),
        (
            f"UPDATE package_verse_texts SET text_version_id = '{OTHER_ID}'",
            "belongs to another version",
        ),
        ("UPDATE package_verse_texts SET verse_text = x'00ff'", "verse_text must be text"),
        ("UPDATE package_verse_texts SET verse_text = NULL", "no verse_text"),
        ("UPDATE package_verse_texts SET version = 'one'", "version must be a whole number"),
        ("UPDATE package_verse_texts SET updated_at = 'now'", "updated_at must be a date"),
        ("UPDATE package_verse_texts SET verse_id = '../../hotspot.db'", "not the id of a verse"),
        ("UPDATE package_verse_texts SET id = '../' || id", "not a record id"),
        (
            "UPDATE package_verse_texts SET id = printf('%.*c', 500000, 'a') "
            "WHERE verse_id = 'jonah-1-1'",
            "not a record id",
        ),
        (
            "UPDATE package_verse_texts SET verse_text = printf('%.*c', 2000000, 'a')",
            "cannot be read",
        ),
        (
            "UPDATE package_verse_texts SET verse_text = CAST(x'c3ff' AS TEXT)",
            "cannot be read",
        ),
        (
            "CREATE TABLE t AS SELECT * FROM package_verse_texts; DROP TABLE package_verse_texts;"
            "ALTER TABLE t RENAME TO package_verse_texts;"
            "INSERT INTO package_verse_texts SELECT * FROM package_verse_texts",
            "two rows with the same id",
        ),
        (
            "UPDATE package_verse_texts SET"
            " verse_id = (SELECT min(verse_id) FROM package_verse_texts)",
            "two rows for one verse",
        ),
        ("ALTER TABLE package_tags RENAME COLUMN id TO tag", "table tags has no ids"),
    ],
)
def test_a_database_that_is_no_plain_data_is_refused(
    tmp_path: Path, script: str, sentence: str
) -> None:
    assert sentence in refusal(with_sql(text_only(tmp_path), script))


def test_rows_of_a_kind_that_the_manifest_does_not_name_are_refused(tmp_path: Path) -> None:
    _, database, _ = sections(combined(tmp_path))
    manifest, _, _ = sections(text_only(tmp_path))
    package = with_database(tmp_path / "text.bible", database, manifest, b"")
    assert "belongs to another version" in refusal(package)


@pytest.mark.parametrize("database", [b"SQLite format 3\x00", b"SQLite format 3\x00" * 64])
def test_what_is_no_database_is_refused(tmp_path: Path, database: bytes) -> None:
    package = text_only(tmp_path)
    manifest, _, sound = sections(package)
    assert "cannot be read" in refusal(with_database(package, database, manifest, sound))


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.97])
def test_a_changed_byte_in_the_database_is_noticed(tmp_path: Path, place: float) -> None:
    package = text_only(tmp_path)
    manifest, database, sound = sections(package)
    changed = bytearray(database)
    changed[int(len(changed) * place)] ^= 1
    assert "is damaged" in refusal(compose(package, manifest, bytes(changed), sound))


def test_a_damaged_tree_is_noticed_though_its_hash_fits(tmp_path: Path) -> None:
    package = text_only(tmp_path, [(f"ps-119-{number}", "x" * 500) for number in range(1, 100)])
    manifest, database, sound = sections(package)
    changed = bytearray(database)
    page = changed.rindex(b"xxxx") // 4096 * 4096
    changed[page : page + 8] = b"\x0d\xff\xff\xff\xff\xff\xff\xff"
    sentence = refusal(with_database(package, bytes(changed), manifest, sound))
    assert "is damaged" in sentence or "cannot be read" in sentence


def test_a_manifest_with_another_hash_is_refused(tmp_path: Path) -> None:
    package = with_manifest(text_only(tmp_path), databaseHash="0" * 64)
    assert "database is damaged" in refusal(package)


def processes(staging: Path) -> list[Path]:
    """The folders in /proc of the processes that work on this staging database."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"hotspot.package.child" in arguments and str(staging).encode() in arguments:
            found.append(process)
    return found


async def process_of(staging: Path) -> Path:
    """Waits for the process that works on this staging database."""
    deadline = time.monotonic() + 30
    while not (found := processes(staging)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    return found[0]


@pytest.fixture
def busy_package(tmp_path: Path) -> Path:
    return with_sql(text_only(tmp_path), BUSY)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(seconds=0.5), "longer than 0.5 seconds"),
        (Limits(cpu_seconds=1), "could not be read safely"),
        (Limits(memory_bytes=1 << 20), "could not be read safely"),
        (Limits(file_bytes=100_000), "could not be read safely"),
    ],
)
def test_reading_that_goes_over_a_limit_is_stopped(
    busy_package: Path, limits: Limits, sentence: str
) -> None:
    staging = busy_package.parent / "incoming" / "staging.db"
    staging.parent.mkdir()
    with pytest.raises(PackageRefused, match=sentence):
        staged(busy_package, staging, limits=limits)
    assert processes(staging) == []
    assert list(staging.parent.iterdir()) == []


async def test_cancelling_ends_the_process(busy_package: Path) -> None:
    staging = busy_package.parent / "incoming" / "staging.db"
    staging.parent.mkdir()
    task = asyncio.create_task(stage(busy_package, staging))
    await process_of(staging)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert processes(staging) == []
    assert list(staging.parent.iterdir()) == []


async def test_the_process_gets_no_secrets(
    busy_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTSPOT_UPSTREAM_TOKEN", "a-secret")
    staging = busy_package.with_name("staging.db")
    task = asyncio.create_task(stage(busy_package, staging))
    environment = (await process_of(staging) / "environ").read_bytes()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert b"PATH=" in environment
    assert b"a-secret" not in environment
