"""What the feed of SQLite promises beyond the contract: work follows what changed."""

from pathlib import Path

import pytest

from hotspot.errors import PositionGone
from hotspot.model import positions
from hotspot.model.merge import Mark, Outcome
from hotspot.model.stores import RecordTransaction
from hotspot.model.tables import ScopeKind, in_scope
from hotspot.store import feed
from hotspot.store.rows import fetch
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    drain,
    edited,
    read,
    uuid,
    verse,
    version_row,
)
from tests.store.support import bring, query


def seq(path: Path) -> int:
    ((value,),) = query(path, "SELECT value FROM meta WHERE key = 'seq'")
    return int(value)


async def test_looking_for_news_and_reading_them_scan_no_table(store: HotspotStore) -> None:
    names = [
        "scope",
        "seq",
        "limit",
        "since",
        "written",
        *(f"after{n}" for n in range(5)),
        *ScopeKind,
    ]
    parameters = {str(name): "[]" for name in names}
    tables = {table.name for kind in ScopeKind for table in in_scope(kind)}
    for sql in (feed._LOOK, *(feed._keys_sql(kind, None, False) for kind in ScopeKind)):
        async with store._database.snapshot() as connection:
            plan = await fetch(connection, f"EXPLAIN QUERY PLAN {sql}", parameters)
        steps = [row[3] for row in plan]
        assert any("(seq,id)>" in step for step in steps)
        assert not [s for s in steps if s.startswith("SCAN") and s.split()[1] in tables]


async def test_one_transaction_is_one_step_of_the_feed(store: HotspotStore, path: Path) -> None:
    await bring(store, version_row(TEXT), verse(1))
    assert seq(path) == 1

    async def work(tx: RecordTransaction) -> None:
        await tx.accept([accepted(verse(2))])
        await tx.accept([accepted(verse(3))])
        await tx.redeliver([verse(1).key])

    await store.write(work)
    assert seq(path) == 2
    assert query(path, "SELECT DISTINCT seq FROM verse_texts") == [(2,)]


async def test_bookkeeping_moves_nothing(store: HotspotStore, path: Path) -> None:
    await bring(store, version_row(TEXT), verse(1))
    await accept(store, accepted(edited(verse(1), "Edited", T1), verse(1)))
    positions = "SELECT id, seq FROM verse_texts UNION ALL SELECT id, seq FROM text_versions"
    before = seq(path), query(path, positions)
    outcomes = [
        Outcome(table="verse_texts", id=verse(1).id, mark=Mark.CONFLICT, reason="Refused."),
        Outcome(table="text_versions", id=TEXT.id, record=version_row(TEXT)),
    ]
    await store.write_replica(lambda tx: tx.settle(outcomes, T2))
    assert (seq(path), query(path, positions)) == before
    assert query(path, "SELECT sync_status FROM verse_texts") == [("conflict",)]


async def test_a_position_ahead_of_the_store_is_gone(store: HotspotStore, path: Path) -> None:
    """A card that was restored from a copy has forgotten what phones have read."""
    await bring(store, version_row(TEXT))
    ahead = positions.encode(store._database.epoch, seq(path) + 1, 0, uuid(1))
    with pytest.raises(PositionGone):
        await read(store, (TEXT, ahead))


async def test_a_scope_read_to_its_end_stands_at_the_end_of_the_store(
    store: HotspotStore, path: Path
) -> None:
    await bring(store, version_row(TEXT), verse(1))
    await bring(store, version_row(AUDIO))
    _, token = await drain(store, TEXT)
    assert token is not None
    position = positions.decode(store._database.epoch, token, (int, int, str))
    assert position[0] == seq(path)


async def test_a_position_without_news_is_the_same_position(store: HotspotStore) -> None:
    await bring(store, version_row(TEXT), verse(1))
    _, token = await drain(store, TEXT)
    await bring(store, version_row(AUDIO))
    assert (await read(store, (TEXT, token))).scopes[0].token == token


async def test_a_page_that_is_just_full_promises_no_more(store: HotspotStore) -> None:
    await bring(store, version_row(TEXT), *(verse(n) for n in range(9)))
    page = await read(store, (TEXT, None), limit=10)
    assert (len(page.records), page.scopes[0].has_more) == (10, False)
    page = await read(store, (TEXT, None), limit=9)
    assert (len(page.records), page.scopes[0].has_more) == (9, True)
