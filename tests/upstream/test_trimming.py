"""The change log is kept small, and nobody is cut off by that."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from hotspot.model.records import Key, Record
from hotspot.upstream import trimming
from hotspot.upstream.database import connect
from tests.contract.opened import T2, TEXT, drain, edited, verse
from tests.upstream.serving import ROWS, Hub, Server, hotspot, running

LATER = "2026-11-22T12:00:00.000Z"


@pytest.fixture
async def server(url: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(url, tmp_path) as server:
        yield server


@pytest.fixture
async def hub(server: Server, tmp_path: Path) -> AsyncIterator[Hub]:
    async with hotspot(server, tmp_path) as hub:
        yield hub


async def age(sql: asyncpg.Connection, days: int = 100) -> None:
    """Makes everything that is in the log that much older."""
    await sql.execute(
        "UPDATE change_log SET changed_at = changed_at - make_interval(days => $1)", days
    )


async def entries(sql: asyncpg.Connection) -> int:
    return int(await sql.fetchval("SELECT count(*) FROM change_log"))


async def verses(source: Hub | Server) -> dict[str, tuple[object, bool]]:
    """The text of each verse, and whether it was deleted."""

    def text(row: Record) -> tuple[object, bool]:
        return row.values["verse_text"], row.deleted

    keys = [row.key for row in ROWS if row.table == "verse_texts"]
    found = await source.store.write(lambda tx: tx.current(keys))
    return {row.id: text(row) for row in found.values()}


async def test_a_position_from_before_goes_on_where_the_log_was_trimmed(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    """The hotspot was away while everything that it missed grew old."""
    for number in range(1, 5):
        for text in ("then", "later", "at last"):
            await server.edit(edited(verse(number), f"{text} {number}", T2))
    before = await entries(sql)
    await age(sql)
    assert await trimming.trim(sql, 90) == (before - 6, 6)
    done = await hub.sync()
    assert (done.downloaded, done.requests) == (4, 1)
    assert await verses(hub) == await verses(server)
    assert (await verses(hub))[verse(4).id] == ("at last 4", False)


async def test_a_client_without_a_position_gets_everything(
    sql: asyncpg.Connection, server: Server
) -> None:
    await server.edit(edited(verse(1), "then", T2))
    whole, _ = await drain(server.store, TEXT)
    await age(sql)
    assert (await trimming.trim(sql, 90))[0] == 1
    again, token = await drain(server.store, TEXT)
    assert {row.key: row for row in again} == {row.key: row for row in whole}
    assert await drain(server.store, TEXT, token) == ([], token)


async def test_edits_that_wait_meet_a_trimmed_log_without_loss(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    await hub.edit(edited(verse(1), "here", LATER))
    await server.edit(edited(verse(1), "there", T2), edited(verse(2), "there too", T2))
    await age(sql)
    await trimming.trim(sql, 90)
    await hub.sync()
    assert await verses(hub) == await verses(server)
    assert (await verses(hub))[verse(1).id] == ("here", False)
    lost = await sql.fetchval("SELECT record ->> 'verse_text' FROM losing_versions")
    assert lost == "there"


async def test_a_hard_deletion_reaches_hotspots_and_phones_also_when_it_is_old(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    _, phone = await drain(hub.store, TEXT)
    await sql.execute("DELETE FROM verse_texts WHERE id = $1", verse(3).id)
    await age(sql)
    await trimming.trim(sql, 90)
    await hub.sync()
    assert (await verses(hub))[verse(3).id] == ("In the beginning", True)
    (told,), _ = await drain(hub.store, TEXT, phone)
    assert (told.key, told.deleted) == (Key("verse_texts", verse(3).id), True)


async def test_what_is_young_stays_whole(sql: asyncpg.Connection, server: Server) -> None:
    await age(sql, 89)
    await server.edit(edited(verse(1), "now", T2))
    before = await entries(sql)
    assert await trimming.trim(sql, 90) == (0, 0)
    assert await entries(sql) == before
    assert not await sql.fetchval("SELECT count(*) FROM change_log WHERE new_data IS NULL")
    assert await trimming.trim(sql, 1) == (1, 5)


async def test_more_than_one_chunk(
    sql: asyncpg.Connection, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trimming, "CHUNK", 2)
    for text in "abcde":
        await server.edit(edited(verse(1), text, T2))
    await age(sql)
    assert await trimming.trim(sql, 90) == (5, 6)
    assert await trimming.trim(sql, 90) == (0, 0)


async def test_what_an_open_transaction_may_still_precede_stays(
    url: str, sql: asyncpg.Connection, server: Server
) -> None:
    """Entries behind the horizon were told to nobody yet; trimming waits with them."""
    async with connect(url) as other:
        writing = other.transaction()
        await writing.start()
        await other.execute("INSERT INTO users (name) VALUES ('open')")
        await server.edit(edited(verse(1), "then", T2))
        await age(sql)
        assert (await trimming.trim(sql, 90))[0] == 0
        await writing.rollback()
    assert (await asyncio.wait_for(trimming.trim(sql, 90), 30))[0] == 1
