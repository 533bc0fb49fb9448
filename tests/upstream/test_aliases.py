"""What PostgreSQL adds to natural keys: unique indexes, races of connections, loaded packages."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from hotspot.config import Config
from hotspot.errors import TryLater
from hotspot.model import instants, records
from hotspot.model.aliases import Alias, natural_key, renamed
from hotspot.model.stores import RecordTransaction
from hotspot.model.tables import BY_NAME, Scope, ScopeKind
from hotspot.upstream import administration, loading
from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import T1, accepted, edited, uuid, verse
from tests.package.pieces import CREATED_AT, TEXT_ID, VERSES, combined
from tests.store.support import staging
from tests.support.postgres import new_database
from tests.support.requirements import needs
from tests.upstream.builders import TEXT, add_verse, add_version
from tests.upstream.test_loading import package_of, saying

KNOWN = migrations()
FIRST_WITH_ALIASES = 8
ELSEWHERE = uuid(1 << 40)


@pytest.fixture
def config(url: str, tmp_path: Path) -> Config:
    return Config(database_url=url, data_dir=tmp_path / "data")


async def test_plain_sql_cannot_make_a_second_live_row(sql: asyncpg.Connection) -> None:
    first = await add_verse(sql, 1)
    with pytest.raises(asyncpg.UniqueViolationError):
        await add_verse(sql, 1)
    await sql.execute("UPDATE verse_texts SET deleted_at = now() WHERE id = $1", first)
    await add_verse(sql, 1)


async def test_the_second_of_two_connections_is_judged_again(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    """The first is not committed when the second has looked and found the key free."""
    looked, seen = asyncio.Barrier(2), []

    async def add(number: int) -> None:
        new = renamed(verse(1, f"Text {number}"), uuid(number))
        key = natural_key(new)
        assert key is not None

        async def work(tx: RecordTransaction) -> None:
            await tx.current([new.key])
            holder = (await tx.holders([key])).get(key)
            seen.append(holder)
            if len(seen) <= 2:
                await looked.wait()
            if holder is None:
                await tx.accept([accepted(new)])
            else:
                await tx.accept([accepted(edited(holder, "Both", T1), holder)])
                await tx.add_aliases([Alias(new.table, new.id, holder.id)])

        await store.write(work)

    await asyncio.gather(add(1), add(2))
    assert [holder is None for holder in seen] == [True, True, False]
    assert await sql.fetchval("SELECT count(*) FROM verse_texts") == 1
    assert await sql.fetchval("SELECT verse_text FROM verse_texts") == "Both"
    assert await sql.fetchval("SELECT count(*) FROM record_aliases") == 1


async def test_a_live_row_is_no_alias_whatever_was_written_at_once(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    record_id = await add_verse(sql, 1)
    await sql.execute(
        "INSERT INTO record_aliases VALUES ('verse_texts', $1, $2)", record_id, ELSEWHERE
    )
    key = records.Key("verse_texts", record_id)
    assert await store.write(lambda tx: tx.canonical([key])) == {}


@pytest.mark.parametrize(("shift", "wins"), [(60_000, False), (-60_000, True)])
async def test_loaded_verses_that_are_here_under_other_ids_become_these(
    config: Config, sql: asyncpg.Connection, tmp_path: Path, shift: int, wins: bool
) -> None:
    """Their timings point at the rows that stay; loading once more changes nothing."""
    await add_version(sql, Scope(ScopeKind.TEXT, TEXT_ID))
    stamp = instants.later(CREATED_AT, shift)
    for verse_id, _ in VERSES:
        await sql.execute(
            "INSERT INTO verse_texts (verse_id, text_version_id, verse_text, updated_at)"
            " VALUES ($1, $2, 'Here', $3::text::timestamptz)",
            verse_id,
            TEXT_ID,
            stamp,
        )
    before = {row["verse_id"]: row["id"] for row in await sql.fetch("SELECT * FROM verse_texts")}
    path = await asyncio.to_thread(combined, tmp_path)
    done = await administration.import_package(config, path)
    assert done.written["verse_texts"] == (len(VERSES) if wins else 0)
    rows = await sql.fetch("SELECT id, verse_id, verse_text FROM verse_texts")
    assert {row["verse_id"]: row["id"] for row in rows} == before
    expected = dict(VERSES) if wins else dict(saying("Here"))
    assert {row["verse_id"]: row["verse_text"] for row in rows} == expected
    timings = await sql.fetch("SELECT * FROM media_files_verses WHERE verse_text_id IS NOT NULL")
    assert timings
    for row in timings:
        assert row["verse_text_id"] == before[row["verse_id"]]
        values = await _values(sql, row["id"])
        assert row["content_hash"] == records.content_hash(BY_NAME["media_files_verses"], values)
    again = await administration.import_package(config, path)
    assert set(again.written.values()) == {0}


async def _values(sql: asyncpg.Connection, record_id: object) -> dict[str, records.Value]:
    row = await sql.fetchrow(
        "SELECT media_file_id::text, verse_id, start_time_seconds, duration_seconds,"
        " verse_text_id::text, denormalized_audio_version_id::text, NULL AS deleted_at"
        " FROM media_files_verses WHERE id = $1",
        record_id,
    )
    assert row is not None
    return dict(row.items())


async def test_a_verse_that_a_package_deletes_frees_its_key_for_another(
    sql: asyncpg.Connection, tmp_path: Path
) -> None:
    row = verse(1)
    await add_version(sql)
    await sql.execute(
        "INSERT INTO verse_texts (id, verse_id, text_version_id, verse_text, updated_at)"
        " VALUES ($1, 'gen-1-1', $2, 'Here', $3::text::timestamptz)",
        row.id,
        TEXT.id,
        row.updated_at,
    )
    gone = records.make(row, T1, {**row.values, "deleted_at": T1})
    new = renamed(edited(row, "In its place", T1), ELSEWHERE)
    staged = await asyncio.to_thread(staging, tmp_path / "staging.db", [new, gone])
    await loading.load(sql, staged)
    live = await sql.fetch("SELECT id::text, verse_text FROM verse_texts WHERE deleted_at IS NULL")
    assert [tuple(row.values()) for row in live] == [(ELSEWHERE, "In its place")]
    assert await sql.fetchval("SELECT count(*) FROM record_aliases") == 0


async def test_loading_that_meets_an_upload_of_the_same_verse_is_done_again(
    config: Config, sql: asyncpg.Connection, tmp_path: Path, url: str
) -> None:
    path = await package_of(tmp_path, VERSES, CREATED_AT)
    await administration.migrate_now(config)
    person = await asyncpg.connect(url)
    open_edit = person.transaction()
    await open_edit.start()
    await add_verse(person, 1)
    await person.execute(
        "UPDATE verse_texts SET verse_id = $1, text_version_id = $2", VERSES[0][0], TEXT_ID
    )
    task = asyncio.create_task(administration.import_package(config, path))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while not await sql.fetchval(waiting):
            await asyncio.sleep(0.02)
    await open_edit.commit()
    await task
    await person.close()
    live = await sql.fetch("SELECT verse_id FROM verse_texts ORDER BY verse_id")
    assert [row["verse_id"] for row in live] == sorted(verse_id for verse_id, _ in VERSES)


async def test_loading_that_never_gets_through_is_told_to_come_later(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = 0

    async def raced(*_: object) -> None:
        nonlocal runs
        runs += 1
        raise asyncpg.UniqueViolationError

    monkeypatch.setattr(loading, "_load", raced)
    monkeypatch.setattr(loading, "PAUSE_S", 0.0)
    path = await package_of(tmp_path, VERSES, CREATED_AT)
    with pytest.raises(TryLater):
        await administration.import_package(config, path)
    assert runs == loading.ATTEMPTS


async def test_what_was_twice_before_there_were_aliases_is_made_one() -> None:
    needs("postgres")
    async with new_database(migrated=False) as url:
        sql = await asyncpg.connect(url)
        await migrate(sql, [one for one in KNOWN if one[0] < FIRST_WITH_ALIASES])
        for number, stamp in ((1, "2026-01-01"), (2, "2026-01-03"), (3, "2026-01-02")):
            await sql.execute(
                "INSERT INTO verse_texts (id, verse_id, text_version_id, verse_text, updated_at)"
                " VALUES ($1, 'gen-1-1', $2, 'Text', $3::text::timestamptz)",
                uuid(number),
                TEXT.id,
                stamp,
            )
        await sql.execute(
            "INSERT INTO media_files_verses"
            " (media_file_id, verse_id, start_time_seconds, verse_text_id)"
            " VALUES ($1, 'gen-1-1', 0, $2)",
            uuid(8),
            uuid(1),
        )
        await migrate(sql, KNOWN)
        live = await sql.fetch("SELECT id::text FROM verse_texts WHERE deleted_at IS NULL")
        assert [row["id"] for row in live] == [uuid(2)]
        named = await sql.fetch("SELECT alias_id::text, canonical_id::text FROM record_aliases")
        assert {tuple(row.values()) for row in named} == {(uuid(n), uuid(2)) for n in (1, 3)}
        pointing = await sql.fetchval("SELECT verse_text_id::text FROM media_files_verses")
        assert pointing == uuid(2)
        await sql.close()
