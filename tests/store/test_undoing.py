"""Edits of a revoked device, taken back where nobody has edited since."""

import pytest

from hotspot.errors import BadRequest, NotFound
from hotspot.model.conflicts import KeptQuery
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Device, Provenance
from hotspot.store.store import HotspotStore
from hotspot.store.undoing import Undone
from tests.contract.opened import DEVICE, T0, T1, T2, TEXT, accept, drain, edited, uuid, verse
from tests.store.test_conflicts import text_of
from tests.store.test_replica import local, row

__all__ = ["row"]

OTHER = Device(id=uuid(77), name="Another", role="editor")


def by(device: Device, record: Record, replaced: Record | None) -> Accepted:
    return Accepted(record, replaced, Provenance(device_id=device.id))


async def revoke(store: HotspotStore, device: Device = DEVICE) -> None:
    await store.add_device(device, f"hash of {device.id}")
    assert await store.revoke(device.id)


async def test_what_was_there_before_comes_back(
    store: HotspotStore, row: Record, edits: list[str]
) -> None:
    first, second = edited(row, "Vandal", T1), edited(row, "Vandal again", T2)
    await accept(store, by(DEVICE, first, row))
    await accept(store, by(DEVICE, second, first))
    await revoke(store)
    edits.clear()
    assert await store.undo_edits(DEVICE.id) == Undone(1, 0)
    assert await text_of(store, row.key) == row.values["verse_text"]
    held = await local(store, row.key)
    assert held.pending is not None and held.record is not None
    assert held.record.updated_at > T2
    assert edits == ["edit"]
    (kept,) = await store.kept_versions(KeptQuery(record_id=row.id))
    assert kept.local_record["verse_text"] == "Vandal again"
    assert await store.undo_edits(DEVICE.id) == Undone(0, 0)


async def test_what_it_added_is_deleted(store: HotspotStore, row: Record) -> None:
    new = verse(900, "Not scripture", T1)
    await accept(store, by(DEVICE, new, None))
    await revoke(store)
    assert await store.undo_edits(DEVICE.id) == Undone(1, 0)
    record = (await local(store, new.key)).record
    assert record is not None and record.deleted
    feed, _ = await drain(store, TEXT)
    assert next(one for one in feed if one.id == new.id).deleted


async def test_what_others_wrote_since_stays(store: HotspotStore, row: Record) -> None:
    vandal, mended = edited(row, "Vandal", T1), edited(row, "Mended", T2)
    await accept(store, by(DEVICE, vandal, row))
    await accept(store, by(OTHER, mended, vandal))
    await revoke(store)
    assert await store.undo_edits(DEVICE.id) == Undone(0, 1)
    assert await text_of(store, row.key) == "Mended"


async def test_what_another_wrote_in_between_comes_back(store: HotspotStore, row: Record) -> None:
    first, mended = edited(row, "Vandal", T0), edited(row, "Mended", T1)
    again = edited(row, "Vandal again", T2)
    await accept(store, by(DEVICE, first, row))
    await accept(store, by(OTHER, mended, first))
    await accept(store, by(DEVICE, again, mended))
    await revoke(store)
    assert await store.undo_edits(DEVICE.id) == Undone(1, 0)
    assert await text_of(store, row.key) == "Mended"


async def test_edits_of_other_devices_stay(store: HotspotStore, row: Record) -> None:
    await accept(store, by(OTHER, edited(row, "Honest", T1), row))
    await revoke(store)
    assert await store.undo_edits(DEVICE.id) == Undone(0, 0)
    assert await text_of(store, row.key) == "Honest"


async def test_only_of_a_device_that_is_revoked(store: HotspotStore, row: Record) -> None:
    with pytest.raises(NotFound):
        await store.undo_edits(DEVICE.id)
    await store.add_device(DEVICE, "hash")
    with pytest.raises(BadRequest, match="revoke it first"):
        await store.undo_edits(DEVICE.id)
