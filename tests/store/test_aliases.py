"""Records that go by another id: what is kept with the old one moves, in one transaction."""

import pytest

from hotspot.model import records
from hotspot.model.aliases import Alias, rekey, renamed
from hotspot.model.batches import OpenBatch
from hotspot.model.conflicts import KeptQuery
from hotspot.model.merge import Local, Mark, Outcome, Pending, Sent
from hotspot.model.records import Key, Record
from hotspot.model.stores import Accepted, Loser, Provenance
from hotspot.model.timeline import Dating
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUTHOR,
    DEVICE,
    T0,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    drain,
    edited,
    uuid,
    verse,
    version_row,
)
from tests.store.support import bring

ROW = verse(1)
OLD = renamed(edited(ROW, "Made here", T1), uuid(7 << 32))
ALIAS = Alias(OLD.table, OLD.id, ROW.id)
DATES = "SELECT record_id, boot_id, received_mono_ms, age_ms, sender_stamp FROM record_sync_status"


def provenance(mono_ms: int) -> Provenance:
    dating = Dating(boot_id="boot", mono_ms=mono_ms, age_ms=34, sender_stamp=T0)
    return Provenance(device_id=DEVICE.id, changed_by=AUTHOR, dating=dating)


async def locals_of(store: HotspotStore, *keys: Key) -> list[Local]:
    held = await store.write_replica(lambda tx: tx.locals(keys))
    return [held[key] for key in keys]


async def rename(store: HotspotStore) -> None:
    """Moves OLD to the id of ROW, as a session does."""
    old, held = await locals_of(store, OLD.key, ROW.key)

    async def work(tx: object) -> None:
        await tx.rename([ALIAS])  # type: ignore[attr-defined]
        await tx.settle(rekey(old, held, ALIAS, T2), T2)  # type: ignore[attr-defined]

    await store.write_replica(work)


async def test_a_waiting_edit_moves_with_all_that_dates_it_and_its_batch(
    store: HotspotStore,
) -> None:
    await bring(store, version_row(TEXT))
    await accept(store, Accepted(OLD, None, provenance(12)))
    batch = OpenBatch("one", b"body", [Sent(OLD.table, OLD.id, OLD.version)])
    await store.write_replica(lambda tx: tx.keep_batch(batch))
    _, token = await drain(store, TEXT)
    await rename(store)
    old, new = await locals_of(store, OLD.key, ROW.key)
    assert new.record is not None
    assert (new.record.id, new.record.version) == (ROW.id, OLD.version)
    assert (new.pending, new.edited) == (Pending(None), True)
    assert await store._database.read(DATES) == [(ROW.id, "boot", 12, 34, T0)]
    assert old.record is not None
    assert (old.record.deleted, old.pending, old.edited) == (True, None, False)
    assert await store.pending_edits(10) == [], "it is on its way already"
    await store.write_replica(lambda tx: tx.close_batch("one"))
    (edit,) = await store.pending_edits(10)
    assert (edit.record.id, edit.changed_by) == (ROW.id, AUTHOR)
    assert {r.id for r in (await drain(store, TEXT, token))[0]} == {OLD.id, ROW.id}


@pytest.mark.parametrize("later", ["old", "held"])
async def test_of_two_waiting_edits_the_mark_of_the_later_stays(
    store: HotspotStore, later: str
) -> None:
    def gone(row: Record) -> Record:
        return row.stamped(T2) if row.deleted else _deleted(row)

    rows = [gone(ROW), OLD] if later == "old" else [gone(OLD), ROW]
    await bring(store, version_row(TEXT))
    for row, mono_ms in zip(rows, (1, 2), strict=True):
        await accept(store, Accepted(row, None, provenance(mono_ms)))
    await rename(store)
    (edit,) = await store.pending_edits(10)
    assert (edit.record.id, edit.record.version) == (ROW.id, rows[1].version)
    assert await store._database.read(DATES) == [(ROW.id, "boot", 2, 34, T0)]
    (lost,) = await store.kept_versions(KeptQuery())
    assert lost.local_record == renamed(rows[0], ROW.id).to_wire()


def _deleted(row: Record) -> Record:
    return records.make(row, T1, {**row.values, "deleted_at": T1})


async def test_losing_versions_move_and_can_be_brought_back(store: HotspotStore) -> None:
    lost = edited(OLD, "Lost", T0)
    await bring(store, version_row(TEXT), OLD)
    same = Loser(renamed(lost, ROW.id), ROW.version, "server_wins", "Later.", DEVICE.id)
    for loser in (same, Loser(lost, OLD.version, "server_wins", "Later.", DEVICE.id)):
        await store.write(lambda tx, loser=loser: tx.keep_losers([loser]))
    await rename(store)
    (kept,) = await store.kept_versions(KeptQuery(record_id=ROW.id))
    assert (kept.record_id, kept.local_record["id"]) == (ROW.id, ROW.id)
    assert await store.kept_versions(KeptQuery(record_id=OLD.id)) == []
    await store.restore(kept.id)
    (edit,) = await store.pending_edits(10)
    assert (edit.record.id, edit.record.values["verse_text"]) == (ROW.id, "Lost")


async def test_an_open_conflict_moves_with_its_record(store: HotspotStore) -> None:
    await bring(store, version_row(TEXT), OLD)
    mine = edited(OLD, "Mine", T2)
    await accept(store, accepted(mine, OLD))
    outcome = Outcome(
        table=OLD.table, id=OLD.id, record=OLD, mark=Mark.CONFLICT, loser=mine, resolution="manual"
    )
    await store.write_replica(lambda tx: tx.settle([outcome], T2))
    await rename(store)
    (kept,) = await store.kept_versions(KeptQuery(waiting=True))
    assert kept.record_id == ROW.id
    (new,) = await locals_of(store, ROW.key)
    assert new.disputed
