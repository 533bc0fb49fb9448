"""Edits that stand upstream just as they were sent: marked by one statement, as `settle` would."""

from typing import Any

import pytest

from hotspot.model.batches import confirms
from hotspot.model.merge import Sent, Status, Verdict, settle
from hotspot.model.records import Key, Record
from hotspot.model.stores import Loser
from hotspot.model.tables import Scope
from hotspot.store.store import HotspotStore
from tests.contract.opened import T1, T2, TEXT, accept, accepted, edited, verse, version_row
from tests.store.support import bring

T3 = "2026-11-22T10:00:09.000Z"


def name(record: Record) -> Sent:
    return Sent(record.table, record.id, record.version)


def applied(record: Record, **more: Any) -> Verdict:
    given = {"status": Status.APPLIED, "updated_at": record.updated_at, "version": record.version}
    return Verdict(**{**given, **more})


async def confirm(store: HotspotStore, *sent: Sent) -> dict[Key, Scope | None]:
    return await store.write_replica(lambda tx: tx.confirm(sent, T3))


async def columns(store: HotspotStore, record: Record) -> list[Any]:
    """All that is written of one record, apart from names, order and what it says."""
    status = await store._database.read(
        "SELECT last_synced_at, sync_status, local_updated_at, server_updated_at,"
        " conflict_resolution, scope_kind, scope_id, replace(base_version, :hash, ''),"
        " former_version, edited_seq, batch_id, changed_by, device_id, boot_id,"
        " received_mono_ms, age_ms, sender_stamp, reason, doubt_ms"
        " FROM record_sync_status WHERE record_id = :id",
        {"hash": record.hash, "id": record.id},
    )
    row = await store._database.read(
        "SELECT updated_at, seq, sync_status, last_synced_at, local_updated_at"
        " FROM verse_texts WHERE id = ?",
        (record.id,),
    )
    return [*status, *row]


async def edited_twins(store: HotspotStore) -> tuple[Record, Record]:
    """Two verses, edited at once."""
    rows = [verse(1), verse(2)]
    await bring(store, version_row(TEXT), *rows)
    one, other = (edited(row, "Edited", T1) for row in rows)
    await accept(store, accepted(one, rows[0]), accepted(other, rows[1]))
    return one, other


async def test_confirming_writes_what_settling_would(store: HotspotStore) -> None:
    one, other = await edited_twins(store)
    held = (await store.write_replica(lambda tx: tx.locals([one.key])))[one.key]
    outcome = settle(held, name(one), applied(one))
    await store.write_replica(lambda tx: tx.settle([outcome], T3))
    assert confirms(name(other), applied(other))
    assert await confirm(store, name(other)) == {other.key: TEXT}
    assert await columns(store, one) == await columns(store, other)
    assert await store.pending_edits(10) == []


async def test_an_edit_made_meanwhile_is_not_confirmed(store: HotspotStore) -> None:
    one, other = await edited_twins(store)
    later = edited(one, "Again", T2)
    await accept(store, accepted(later, one))
    assert await confirm(store, name(one), name(other)) == {other.key: TEXT}
    assert [edit.record for edit in await store.pending_edits(10)] == [later]


async def test_what_does_not_wait_is_not_confirmed(store: HotspotStore) -> None:
    _, other = await edited_twins(store)
    await bring(store, verse(3))
    assert await confirm(store, name(verse(3)), name(verse(9))) == {}
    await confirm(store, name(other))
    assert await confirm(store, name(other)) == {}


async def test_what_is_in_dispute_is_left_to_settling(store: HotspotStore) -> None:
    one, _ = await edited_twins(store)
    asked = Loser(edited(one, "Another", T2), one.version, "manual", "Simultaneous edits detected.")
    await store.write_replica(lambda tx: tx.keep_losers([asked]))
    assert await confirm(store, name(one)) == {}


@pytest.mark.parametrize(
    "told",
    [
        {"status": Status.SERVER_WINS},
        {"status": Status.REJECTED},
        {"version": "2026-11-22T10:00:09.000Z~0011223344556677"},
        {"version": None},
        {"canonical_id": verse(2).id},
        {"server": verse(2)},
        {"reason": "The stamp was ahead of the time here and was set to now."},
    ],
)
def test_an_answer_with_more_to_it_confirms_nothing(told: dict[str, Any]) -> None:
    assert not confirms(name(verse(1)), applied(verse(1), **told))
