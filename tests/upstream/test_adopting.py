"""A database that has content already is taken over with all that is in it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hotspot.errors import StoreDamaged
from hotspot.model import records
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Provenance
from hotspot.model.tables import BY_NAME, Scope, ScopeKind
from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import AUTHOR, DEVICE, drain
from tests.support.postgres import new_database
from tests.support.requirements import needs
from tests.upstream.builders import TEXT

KNOWN = migrations()
SPECIFIED = (Path(__file__).parent / "specified.sql").read_text()
OTHERS = """
CREATE TABLE users (id uuid PRIMARY KEY, email varchar(80) NOT NULL UNIQUE);
CREATE TABLE language_entities (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE audio_versions (
  id uuid PRIMARY KEY, language_entity_id uuid NOT NULL REFERENCES language_entities(id),
  name text NOT NULL);
CREATE TABLE text_versions (
  id uuid PRIMARY KEY, language_entity_id uuid NOT NULL REFERENCES language_entities(id),
  name varchar(100) NOT NULL, created_by uuid, updated_by uuid, updated_at timestamptz);
CREATE TABLE media_files (
  id uuid PRIMARY KEY, language_entity_id uuid NOT NULL, audio_version_id uuid,
  file_size integer, duration_seconds real, created_by uuid, updated_by uuid);
CREATE TABLE media_files_verses (
  id uuid PRIMARY KEY, media_file_id uuid NOT NULL REFERENCES media_files(id),
  verse_id text NOT NULL, start_time_seconds numeric(8, 3) NOT NULL,
  denormalized_audio_version_id uuid, created_by uuid, updated_by uuid);
CREATE TABLE verse_texts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), verse_id text NOT NULL,
  text_version_id uuid NOT NULL REFERENCES text_versions(id) ON DELETE CASCADE,
  verse_text text NOT NULL, reviewer text NOT NULL, created_by uuid, updated_by uuid,
  updated_at timestamp DEFAULT now());
CREATE VIEW reviewers AS SELECT DISTINCT reviewer FROM verse_texts;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.updated_at = now(); RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON verse_texts FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO users VALUES ('a0000000-0000-4000-8000-0000000000aa', 'ruth@example.org');
INSERT INTO language_entities VALUES ('e0000000-0000-4000-8000-000000000001', 'Language');
INSERT INTO text_versions (id, language_entity_id, name) VALUES
  ('b0000000-0000-4000-8000-000000000001', 'e0000000-0000-4000-8000-000000000001', 'Theirs');
INSERT INTO audio_versions VALUES
  ('c0000000-0000-4000-8000-000000000001', 'e0000000-0000-4000-8000-000000000001', 'Spoken');
INSERT INTO media_files (id, language_entity_id, audio_version_id, file_size, duration_seconds)
VALUES ('f0000000-0000-4000-8000-000000000001', 'e0000000-0000-4000-8000-000000000001',
  'c0000000-0000-4000-8000-000000000001', 7, 1.5);
INSERT INTO media_files_verses
  (id, media_file_id, verse_id, start_time_seconds, denormalized_audio_version_id)
VALUES ('f0000000-0000-4000-8000-000000000002', 'f0000000-0000-4000-8000-000000000001', 'gen-1-1',
  1.125, 'c0000000-0000-4000-8000-000000000001');
INSERT INTO verse_texts (verse_id, text_version_id, verse_text, reviewer, updated_by, updated_at)
SELECT 'gen-1-' || n, 'b0000000-0000-4000-8000-000000000001', 'Text ' || n, 'R',
  'a0000000-0000-4000-8000-0000000000aa', '2026-01-01 10:00:00.123456'
FROM generate_series(1, 5) AS n;
"""
AUDIO = Scope(ScopeKind.AUDIO, "c0000000-0000-4000-8000-000000000001")


@pytest.fixture
async def empty() -> AsyncIterator[str]:
    """The URL of a database without any schema."""
    needs("postgres")
    async with new_database(migrated=False) as url:
        yield url


@pytest.fixture
async def sql(empty: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty)
    yield connection
    await connection.close()


async def fed(url: str, scope: Scope = TEXT) -> list[Record]:
    async with PostgresStore.open(url) as store:
        return (await drain(store, scope))[0]


@pytest.mark.parametrize("also", ["", SPECIFIED])
async def test_rows_that_were_there_are_in_the_feed_as_they_were(
    empty: str, sql: asyncpg.Connection, also: str
) -> None:
    """With and without the tracking that the specification prescribes."""
    await sql.execute(OTHERS + also)
    assert await migrate(sql, KNOWN) == len(KNOWN)
    assert await migrate(sql, KNOWN) == 0
    verses = [row for row in await fed(empty) if row.table == "verse_texts"]
    assert sorted(str(row.values["verse_text"]) for row in verses) == [
        f"Text {n}" for n in range(1, 6)
    ]
    for row in [*verses, *await fed(empty, AUDIO)]:
        assert row.hash == records.content_hash(BY_NAME[row.table], row.values)
    assert {row.updated_at for row in verses} == {"2026-01-01T10:00:00.123Z"}
    assert len(await fed(empty, AUDIO)) == 3
    assert await sql.fetchval("SELECT reviewer FROM reviewers") == "R"
    log = await sql.fetch(
        "SELECT DISTINCT changed_by::text, change_source FROM change_log"
        " WHERE table_name = 'verse_texts' AND scope IS NOT NULL"
    )
    assert [tuple(row) for row in log] == [("a0000000-0000-4000-8000-0000000000aa", "migration")]


async def test_the_adopted_database_takes_edits(empty: str, sql: asyncpg.Connection) -> None:
    await sql.execute(OTHERS + SPECIFIED)
    await migrate(sql, KNOWN)
    (row, *_) = (one for one in await fed(empty) if one.table == "verse_texts")
    stamp = "2026-11-22T10:00:00.000Z"
    edit = records.make(row, stamp, {**row.values, "verse_text": "Edited"})
    new = records.build(
        BY_NAME["verse_texts"],
        "f0000000-0000-4000-8000-000000000009",
        {**row.values, "verse_id": "gen-1-9", "updated_by": AUTHOR},
        stamp,
    )
    by = Provenance(device_id=DEVICE.id)
    async with PostgresStore.open(empty) as store:

        async def work(tx: Any) -> None:
            await tx.current([edit.key, new.key])
            await tx.accept([Accepted(edit, row, by), Accepted(new, None, by)])

        await store.write(work)
    found = {one.id: one for one in await fed(empty)}
    assert found[row.id].values["verse_text"] == "Edited"
    assert (found[row.id].updated_at, found[new.id].updated_at) == (stamp, stamp)
    assert await sql.fetchval("SELECT count(*) FROM users WHERE id = $1", AUTHOR) == 1


async def test_the_adopted_schema_is_the_one_of_a_new_database(
    sql: asyncpg.Connection, url: str
) -> None:
    """All that a new database has; what others put beside it may be there too."""
    await sql.execute(OTHERS + SPECIFIED)
    await migrate(sql, KNOWN)
    new = await asyncpg.connect(url)
    for query in (
        "SELECT relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    ):
        theirs = {tuple(row) for row in await new.fetch(query)}
        assert theirs - {tuple(row) for row in await sql.fetch(query)} == set()
    await new.close()


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ("CREATE TABLE verse_texts (id text PRIMARY KEY); INSERT INTO verse_texts VALUES ('a')",
         "cannot be taken over"),
        ("CREATE TABLE verse_texts (id uuid PRIMARY KEY, verse_id text);"
         " INSERT INTO verse_texts VALUES (gen_random_uuid(), 'gen-1-1')",
         "no column text_version_id"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_stays_as_it_is(
    sql: asyncpg.Connection, tables: str, said: str
) -> None:
    await sql.execute(tables)
    with pytest.raises(StoreDamaged, match=said):
        await migrate(sql, KNOWN)
    names = await sql.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    assert [row[0] for row in names] == ["verse_texts"]


STOPPED = """
import asyncio, sys, asyncpg
from hotspot.upstream.migrate import migrate, migrations
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    wait = [(10**6, "wait", "SELECT pg_sleep(600)")]
    print("ready", flush=True)
    await migrate(connection, migrations() + wait)
asyncio.run(main())
"""


async def test_a_migration_that_is_killed_goes_on_at_the_next_start(
    empty: str, sql: asyncpg.Connection
) -> None:
    await sql.execute(OTHERS)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", STOPPED, empty)
    sleeping = (
        "SELECT pid FROM pg_stat_activity"
        " WHERE wait_event = 'PgSleep' AND datname = current_database()"
    )
    async with asyncio.timeout(60):
        while (pid := await sql.fetchval(sleeping)) is None:
            await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
        await sql.execute("SELECT pg_terminate_backend($1)", pid)
        assert await migrate(sql, KNOWN) == len(KNOWN)
    assert len([row for row in await fed(empty) if row.table == "verse_texts"]) == 5
