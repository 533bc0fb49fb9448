"""The client half's view: what is pending, on which base, and what settling it writes."""

import pytest
from msgspec.structs import replace

from hotspot.model import records
from hotspot.model.batches import OpenBatch
from hotspot.model.merge import (
    Local,
    Mark,
    Outcome,
    Pending,
    Sent,
    Status,
    Verdict,
    receive,
    settle,
)
from hotspot.model.records import Key, Record
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUTHOR,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    drain,
    edited,
    media_file,
    verse,
    version_row,
)
from tests.store.support import bring

T3 = "2026-11-22T10:00:09.000Z"


@pytest.fixture
async def row(store: HotspotStore) -> Record:
    """A verse that came from the upstream."""
    await bring(store, version_row(TEXT), verse(1))
    return verse(1)


async def local(store: HotspotStore, key: Key) -> Local:
    return (await store.write_replica(lambda tx: tx.locals([key])))[key]


async def told(store: HotspotStore, *outcomes: Outcome, now: str = T3) -> None:
    await store.write_replica(lambda tx: tx.settle(outcomes, now))


async def sent(store: HotspotStore, name: str = "one") -> OpenBatch:
    """All pending edits in a batch that is kept."""
    edits = await store.pending_edits(1_000)
    versions = [Sent(e.record.table, e.record.id, e.record.version) for e in edits]
    batch = OpenBatch(name, b"body of " + name.encode(), versions)
    await store.write_replica(lambda tx: tx.keep_batch(batch))
    return batch


async def test_what_came_down_is_neither_pending_nor_edited(
    store: HotspotStore, row: Record
) -> None:
    assert await local(store, row.key) == Local(row, None, edited=False)
    assert await local(store, verse(2).key) == Local(None, None, edited=False)
    assert await store.pending_edits(10) == []


async def test_an_edit_waits_on_the_version_that_it_replaced(
    store: HotspotStore, row: Record, edits: list[str]
) -> None:
    new = replace(edited(row, "Edited", T1), doubt_ms=7)
    await accept(store, accepted(new, row))
    pending = Pending(row.version)
    assert await local(store, row.key) == Local(new, pending, edited=True)
    (edit,) = await store.pending_edits(10)
    assert (edit.record, edit.pending, edit.changed_by) == (new, pending, AUTHOR)
    assert edits == ["edit"]


async def test_a_second_edit_keeps_the_base_of_the_first(store: HotspotStore, row: Record) -> None:
    first, second = edited(row, "First", T1), edited(row, "Second", T2)
    await accept(store, accepted(first, row))
    await accept(store, accepted(second, first))
    assert (await local(store, row.key)).pending == Pending(row.version)


async def test_a_new_record_has_no_base_also_when_edited_again(
    store: HotspotStore, row: Record
) -> None:
    new = verse(2, "New", T1)
    later = edited(new, "Newer", T2)
    await accept(store, accepted(new))
    await accept(store, accepted(later, new))
    assert (await local(store, new.key)).pending == Pending(None)


async def test_what_stands_upstream_is_settled(
    store: HotspotStore, row: Record, edits: list[str]
) -> None:
    new = edited(row, "Edited", T1)
    await accept(store, accepted(new, row))
    _, token = await drain(store, TEXT)
    held = await local(store, row.key)
    verdict = Verdict(status=Status.APPLIED, updated_at=T1, version=new.version)
    await told(store, settle(held, Sent(new.table, new.id, new.version), verdict))
    assert await local(store, row.key) == Local(new, None, edited=True)
    assert await store.pending_edits(10) == []
    assert (await drain(store, TEXT, token))[0] == [], "what did not change does not come again"
    assert edits == ["edit"], "settling is no edit"


async def test_a_new_stamp_on_the_same_content_keeps_the_former_name(
    store: HotspotStore, row: Record
) -> None:
    new = edited(row, "Edited", T1)
    await accept(store, accepted(new, row))
    _, token = await drain(store, TEXT)
    held = await local(store, row.key)
    verdict = Verdict(status=Status.APPLIED, updated_at=T2)
    await told(store, settle(held, Sent(new.table, new.id, new.version), verdict))
    record = (await local(store, row.key)).record
    assert record is not None
    assert (record.updated_at, record.former) == (T2, new.version)
    assert [r.version for r in (await drain(store, TEXT, token))[0]] == [record.version]


async def test_the_next_edit_ends_the_former_name(store: HotspotStore, row: Record) -> None:
    await test_a_new_stamp_on_the_same_content_keeps_the_former_name(store, row)
    settled = (await local(store, row.key)).record
    assert settled is not None
    await accept(store, accepted(edited(row, "Next", T3), settled))
    held = await local(store, row.key)
    assert held.record is not None
    assert held.record.former is None
    assert held.pending == Pending(settled.version)


async def test_an_edit_made_meanwhile_waits_on_what_stands(
    store: HotspotStore, row: Record
) -> None:
    first, second = edited(row, "First", T1), edited(row, "Second", T2)
    await accept(store, accepted(first, row))
    batch = await sent(store)
    await accept(store, accepted(second, first))
    assert await store.pending_edits(10) == [], "one batch after the other"
    verdict = Verdict(status=Status.APPLIED, updated_at=T1, version=first.version)
    await told(store, settle(await local(store, row.key), batch.sent[0], verdict))
    await store.write_replica(lambda tx: tx.close_batch(batch.id))
    (edit,) = await store.pending_edits(10)
    assert (edit.record, edit.pending) == (second, Pending(first.version))


async def test_what_lost_is_kept_and_the_winner_is_current(
    store: HotspotStore, row: Record
) -> None:
    mine, theirs = edited(row, "Mine", T1), edited(row, "Theirs", T3)
    await accept(store, accepted(mine, row))
    _, token = await drain(store, TEXT)
    await told(store, receive(await local(store, row.key), theirs))
    assert await local(store, row.key) == Local(theirs, None, edited=True)
    assert (await drain(store, TEXT, token))[0] == [theirs]
    rows = await store._database.read(
        "SELECT version, winner_version, resolution, reason FROM losing_versions"
    )
    reason = "Last writer wins by timestamp."
    assert rows == [(mine.version, theirs.version, "server_wins", reason)]


async def test_an_edit_that_wins_waits_on_the_version_that_it_beat(
    store: HotspotStore, row: Record
) -> None:
    mine, theirs = edited(row, "Mine", T3), edited(row, "Theirs", T1)
    await accept(store, accepted(mine, row))
    await told(store, receive(await local(store, row.key), theirs))
    assert await local(store, row.key) == Local(mine, Pending(theirs.version), edited=True)
    rows = await store._database.read("SELECT version, winner_version FROM losing_versions")
    assert rows == [(theirs.version, mine.version)]


async def test_a_conflict_is_marked_and_the_next_edit_is_based_on_what_stands(
    store: HotspotStore, row: Record
) -> None:
    mine, theirs = edited(row, "Mine", T1), edited(row, "Theirs", "2026-11-22T10:00:01.600Z")
    await accept(store, accepted(mine, row))
    await told(store, receive(await local(store, row.key), theirs))
    status = "SELECT sync_status, conflict_resolution, reason FROM record_sync_status"
    assert await store._database.read(status) == [
        ("conflict", "manual", "Simultaneous edits detected.")
    ]
    assert await store._database.read(
        "SELECT sync_status FROM verse_texts WHERE id = ?", (row.id,)
    ) == [("conflict",)]
    assert await store.pending_edits(10) == []
    await accept(store, accepted(edited(row, "Chosen", T3), theirs))
    assert (await local(store, row.key)).pending == Pending(theirs.version)
    assert await store._database.read(status) == [("pending", None, None)]


async def test_a_refused_edit_keeps_the_base_that_the_upstream_knows(
    store: HotspotStore, row: Record
) -> None:
    mine = edited(row, "Mine", T1)
    await accept(store, accepted(mine, row))
    refused = Outcome(table=row.table, id=row.id, mark=Mark.CONFLICT, reason="Not allowed.")
    await told(store, refused)
    await accept(store, accepted(edited(row, "Again", T3), mine))
    assert (await local(store, row.key)).pending == Pending(row.version)


async def test_empty_outcomes_write_nothing(store: HotspotStore, row: Record) -> None:
    before = await store._database.read("SELECT * FROM verse_texts")
    await told(store, Outcome(table=row.table, id=row.id), now="later")
    assert await store._database.read("SELECT * FROM verse_texts") == before


async def test_the_sync_columns_follow(store: HotspotStore, row: Record) -> None:
    columns = "SELECT sync_status, last_synced_at, local_updated_at FROM verse_texts WHERE id = ?"
    assert await store._database.read(columns, (row.id,)) == [("synced", T2, None)]
    new = edited(row, "Edited", T1)
    await accept(store, accepted(new, row))
    assert await store._database.read(columns, (row.id,)) == [("pending", T2, T1)]
    verdict = Verdict(status=Status.APPLIED, updated_at=T1)
    sent_version = Sent(new.table, new.id, new.version)
    await told(store, settle(await local(store, row.key), sent_version, verdict), now=T3)
    assert await store._database.read(columns, (row.id,)) == [("synced", T3, T1)]
    assert await store._database.read(
        "SELECT sync_status, last_synced_at, local_updated_at, server_updated_at"
        " FROM record_sync_status"
    ) == [("synced", T3, T1, T1)]


async def test_edits_come_oldest_first_and_batch_by_batch(store: HotspotStore, row: Record) -> None:
    rows = [verse(n, updated_at=T1) for n in (5, 3, 4, 2)]
    for one in rows:
        await accept(store, accepted(one))
    await accept(store, accepted(edited(rows[0], "Again", T2), rows[0]))
    order = [edit.record.id for edit in await store.pending_edits(10)]
    assert order == [rows[1].id, rows[2].id, rows[3].id, rows[0].id]
    assert len(await store.pending_edits(3)) == 3


async def test_batches_stay_open_until_they_are_closed(store: HotspotStore, row: Record) -> None:
    await accept(store, accepted(verse(2, updated_at=T1)))
    first = await sent(store, "zzz")
    await accept(store, accepted(verse(3, updated_at=T1)))
    second = await sent(store, "aaa")
    assert [list(one.sent) for one in (first, second)] == [
        [Sent("verse_texts", verse(n).id, verse(n, updated_at=T1).version)] for n in (2, 3)
    ]
    assert list(await store.open_batches()) == [first, second]
    assert await store.pending_edits(10) == []
    await store.write_replica(lambda tx: tx.close_batch(first.id))
    assert list(await store.open_batches()) == [second]
    assert [edit.record.id for edit in await store.pending_edits(10)] == [verse(2).id]


async def test_every_table_can_be_edited_and_settled_at_once(store: HotspotStore) -> None:
    rows = [version_row(TEXT), verse(1), media_file(1, is_bible_audio=True)]
    later = [records.make(r, T1, {**r.values, "deleted_at": T1}) for r in rows]
    await bring(store, *rows)
    await accept(store, *map(accepted, later, rows))
    held = await store.write_replica(lambda tx: tx.locals([r.key for r in rows]))
    assert [held[r.key].pending for r in rows] == [Pending(r.version) for r in rows]
    verdict = Verdict(status=Status.APPLIED, updated_at=T2)
    await told(
        store, *(settle(held[r.key], Sent(r.table, r.id, r.version), verdict) for r in later)
    )
    after = await store.write_replica(lambda tx: tx.locals([r.key for r in rows]))
    for record in (one.record for one in after.values()):
        assert record is not None
        assert record.values["deleted_at"] == T2
    assert await store.pending_edits(10) == []


async def test_rows_set_aside_are_kept_once(store: HotspotStore) -> None:
    key = Key("verse_texts", "odd")
    await store.write_replica(lambda tx: tx.set_aside(key, b"{1}", "Odd.", T1))
    await store.write_replica(lambda tx: tx.set_aside(key, b"{2}", "Odder.", T2))
    rows = await store._database.read("SELECT record_json, reason, at FROM set_aside")
    assert rows == [(b"{2}", "Odder.", T2)]
