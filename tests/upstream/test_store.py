"""What PostgreSQL adds to the contract of a store: retries, and a database that goes away."""

import asyncio
from functools import partial

import asyncpg
import pytest
from msgspec.structs import replace

from hotspot.errors import TryLater
from hotspot.model import records
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Provenance, RecordTransaction
from hotspot.model.tables import Scope, ScopeKind
from hotspot.upstream import devices
from hotspot.upstream.store import ATTEMPTS, PostgresStore
from tests.contract.opened import AUTHOR, DEVICE, T1, edited, verse
from tests.upstream.builders import LANGUAGE, TEXT, add_verse, add_version, log


def edit(record: Record, replaced: Record | None = None) -> Accepted:
    return Accepted(record, replaced, Provenance(device_id=DEVICE.id))


async def test_an_upload_is_logged_as_such_and_keeps_its_stamp(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    first = verse(1)
    await store.write(lambda tx: tx.accept([edit(first)]))
    await store.write(lambda tx: tx.accept([edit(edited(first, "Same stamp", first.updated_at))]))
    assert [entry["source"] for entry in await log(sql)] == ["sync", "sync"]
    stamp = await sql.fetchval("SELECT canonical(updated_at) FROM verse_texts")
    assert stamp == first.updated_at


async def test_an_unknown_author_becomes_a_user_of_the_device(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await devices.add_device(sql, DEVICE, "d0" * 32)
    await store.write(lambda tx: tx.accept([edit(verse(1))]))
    row = await sql.fetchrow(
        "SELECT u.name, u.device_id::text, l.changed_by = u.id FROM change_log l"
        " JOIN users u ON u.id = l.changed_by"
    )
    assert row is not None
    assert tuple(row) == (None, DEVICE.id, True)


async def test_work_that_meets_a_deadlock_is_run_again(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    """The other side locks in the opposite order, as a person's own SQL may."""
    ids = sorted([await add_verse(sql, 1), await add_verse(sql, 2)])
    keys = [records.Key("verse_texts", one) for one in ids]
    lock = "SELECT FROM verse_texts WHERE id = $1 FOR UPDATE"
    both_hold = asyncio.Barrier(2)
    runs = 0

    async def work(tx: RecordTransaction) -> None:
        nonlocal runs
        runs += 1
        await tx.current(keys[:1])
        if runs == 1:
            await both_hold.wait()
        await tx.current(keys)

    async def other() -> None:
        person = await asyncpg.connect(url, server_settings={"deadlock_timeout": "1min"})
        async with person.transaction():
            await person.execute(lock, ids[1])
            await both_hold.wait()
            await person.execute(lock, ids[0])
        await person.close()

    await asyncio.gather(store.write(work), other())
    assert runs > 1


async def test_new_rows_under_other_ids_are_added_without_a_deadlock(
    url: str, sql: asyncpg.Connection, store: PostgresStore
) -> None:
    """Both wait for a verse in the middle, with those that they added before it."""
    await sql.execute("INSERT INTO users (id) VALUES ($1)", AUTHOR)
    verses = [verse(number) for number in range(9)]
    turned = [replace(row, id=verse(99 - n).id) for n, row in enumerate(verses)]
    met: list[type] = []

    async def add(tx: RecordTransaction, rows: list[Record]) -> None:
        try:
            await tx.accept([edit(row) for row in rows])
        except asyncpg.PostgresError as error:
            met.append(type(error))
            raise

    other = await asyncpg.connect(url)
    in_the_way = other.transaction()
    await in_the_way.start()
    await add_verse(other, 4)
    works = (partial(add, rows=rows) for rows in (verses, turned))
    adding = [asyncio.create_task(store.write(work)) for work in works]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with asyncio.timeout(30):
        while await sql.fetchval(waiting) < 2:
            await asyncio.sleep(0.01)
    await in_the_way.rollback()
    await asyncio.gather(*adding, return_exceptions=True)
    await other.close()
    assert set(met) == {asyncpg.UniqueViolationError}
    assert await sql.fetchval("SELECT count(*) FROM verse_texts") == len(verses)


async def test_work_that_never_gets_through_is_told_to_come_later(store: PostgresStore) -> None:
    runs = 0

    async def work(_tx: RecordTransaction) -> None:
        nonlocal runs
        runs += 1
        raise asyncpg.SerializationError

    with pytest.raises(TryLater):
        await store.write(work)
    assert runs == ATTEMPTS


async def test_a_record_that_somebody_made_meanwhile_is_judged_again(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    seen = []

    async def work(tx: RecordTransaction) -> None:
        row = (await tx.current([verse(1).key])).get(verse(1).key)
        seen.append(row and row.values["verse_text"])
        if len(seen) == 1:
            await sql.execute(
                "INSERT INTO verse_texts (id, verse_id, text_version_id, verse_text)"
                " VALUES ($1, 'gen-1-1', $2, 'Meanwhile')",
                verse(1).id,
                TEXT.id,
            )
        await tx.accept([edit(edited(row or verse(1), "Mine", T1), row)])

    await store.write(work)
    assert seen == [None, "Meanwhile"]
    assert await sql.fetchval("SELECT verse_text FROM verse_texts") == "Mine"


async def test_a_built_package_names_its_versions(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    await add_version(sql)
    await sql.execute("INSERT INTO language_entities (id, name) VALUES ($1, 'Language')", LANGUAGE)
    await sql.execute(
        "INSERT INTO package_generations"
        " (package_id, package_type, text_version_id, language_entity_id)"
        " VALUES ('p', 'text', $1, $2)",
        TEXT.id,
        LANGUAGE,
    )
    assert await store.package_scopes("p") == [Scope(ScopeKind.TEXT, TEXT.id)]
