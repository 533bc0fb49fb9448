"""Losing versions: listed, kept open while they ask, and brought back as edits."""

from pathlib import Path

import pytest

from hotspot.errors import NotFound
from hotspot.model import instants, records
from hotspot.model.aliases import Alias
from hotspot.model.conflicts import Choice, KeptQuery, KeptVersion
from hotspot.model.merge import Pending, receive
from hotspot.model.records import Key, Record
from hotspot.model.stores import Loser
from hotspot.store.store import HotspotStore
from tests.contract.opened import DEVICE, T0, T1, T2, TEXT, accept, accepted, drain, edited, verse
from tests.store.support import bring, package, query, staging
from tests.store.test_replica import local, row, told

__all__ = ["row"]

NEAR = "2026-11-22T10:00:01.600Z"
T3 = "2026-11-22T10:00:09.000Z"


async def waiting(store: HotspotStore) -> list[KeptVersion]:
    return list(await store.kept_versions(KeptQuery(waiting=True)))


def status(path: Path) -> list[tuple[object, ...]]:
    """The record's sync status, as kept for it and on its row."""
    return query(
        path,
        "SELECT s.sync_status, t.sync_status FROM record_sync_status s"
        " JOIN verse_texts t ON t.id = s.record_id",
    )


async def text_of(store: HotspotStore, key: Key) -> object:
    record = (await local(store, key)).record
    assert record is not None
    return record.values["verse_text"]


async def dispute(store: HotspotStore, row: Record) -> KeptVersion:
    """An edit made here and one made there, too close to tell."""
    mine, theirs = edited(row, "Mine", T1), edited(row, "Theirs", NEAR)
    await accept(store, accepted(mine, row))
    await told(store, receive(await local(store, row.key), theirs))
    (conflict,) = await waiting(store)
    return conflict


async def phone_dispute(store: HotspotStore, row: Record, text: str = "From a phone") -> None:
    """What judging a phone's edit leaves behind where nobody can tell which is later."""
    standing = (await local(store, row.key)).record
    assert standing is not None
    lost = edited(row, text, T1)
    loser = Loser(lost, standing.version, "manual", "Simultaneous edits detected.", DEVICE.id)
    await store.write(lambda tx: tx.keep_losers([loser]))


async def test_a_conflict_shows_both_versions(store: HotspotStore, row: Record) -> None:
    conflict = await dispute(store, row)
    assert conflict.server_record is not None
    assert conflict.local_record["verse_text"] == "Mine"
    assert conflict.server_record["verse_text"] == "Theirs"
    assert (conflict.table, conflict.record_id, conflict.resolution) == (
        "verse_texts",
        row.id,
        "manual",
    )
    assert await store.kept_version(conflict.id) == conflict


async def test_who_sent_the_edit_is_named(store: HotspotStore, row: Record) -> None:
    await store.add_device(DEVICE, "hash")
    await phone_dispute(store, row)
    (conflict,) = await waiting(store)
    assert (conflict.device_id, conflict.device_name) == (DEVICE.id, DEVICE.name)


async def test_keeping_local_makes_an_edit_of_what_stands(
    store: HotspotStore, row: Record, path: Path, edits: list[str]
) -> None:
    conflict = await dispute(store, row)
    edits.clear()
    await store.keep(conflict.id, Choice.LOCAL)
    held = await local(store, row.key)
    theirs = edited(row, "Theirs", NEAR)
    assert held.record is not None
    assert held.record.values["verse_text"] == "Mine"
    assert held.record.updated_at >= T2
    assert held.pending is not None
    assert (held.pending.base_version, held.disputed) == (theirs.version, False)
    assert (status(path), await waiting(store), edits) == ([("pending", "pending")], [], ["edit"])
    (overruled, chosen) = await store.kept_versions(KeptQuery(record_id=row.id))
    assert overruled.local_record["verse_text"] == "Theirs"
    assert (chosen.id, chosen.resolution) == (conflict.id, "local_wins")


async def test_keeping_the_servers_closes_and_edits_nothing(
    store: HotspotStore, row: Record, path: Path, edits: list[str]
) -> None:
    conflict = await dispute(store, row)
    edits.clear()
    await store.keep(conflict.id, Choice.SERVER)
    assert await text_of(store, row.key) == "Theirs"
    assert (await local(store, row.key)).pending is None
    assert (status(path), await waiting(store), edits) == ([("synced", "synced")], [], [])
    assert (await store.kept_version(conflict.id)).resolution == "server_wins"


@pytest.mark.parametrize("choice", list(Choice))
async def test_what_is_closed_cannot_be_decided_again(
    store: HotspotStore, row: Record, choice: Choice
) -> None:
    conflict = await dispute(store, row)
    await bring(store, edited(row, "Moved on", T3))
    with pytest.raises(NotFound, match="is closed"):
        await store.keep(conflict.id, choice)
    assert await text_of(store, row.key) == "Moved on"


@pytest.mark.parametrize("number", [0, -1, 10**17])
async def test_numbers_that_name_nothing(store: HotspotStore, number: int) -> None:
    for ask in (
        store.kept_version(number),
        store.keep(number, Choice.LOCAL),
        store.restore(number),
    ):
        with pytest.raises(NotFound):
            await ask


async def test_a_row_that_comes_down_closes_the_conflict(
    store: HotspotStore, row: Record, path: Path
) -> None:
    conflict = await dispute(store, row)
    await told(store, receive(await local(store, row.key), edited(row, "Moved on", T3)))
    assert (status(path), await waiting(store)) == ([("synced", "synced")], [])
    assert (await store.kept_version(conflict.id)).resolution == "server_wins"


async def test_a_row_that_only_got_another_stamp_does_not(
    store: HotspotStore, row: Record, path: Path
) -> None:
    conflict = await dispute(store, row)
    await told(store, receive(await local(store, row.key), edited(row, "Theirs", T3)))
    assert status(path) == [("conflict", "conflict")]
    assert [one.id for one in await waiting(store)] == [conflict.id]
    await store.keep(conflict.id, Choice.LOCAL)
    pending = (await local(store, row.key)).pending
    assert pending is not None
    assert pending.base_version == edited(row, "Theirs", T3).version


async def test_an_edit_from_a_phone_closes_the_conflict(
    store: HotspotStore, row: Record, path: Path
) -> None:
    await dispute(store, row)
    await accept(store, accepted(edited(row, "Better", T3), edited(row, "Theirs", NEAR)))
    assert (status(path), await waiting(store)) == ([("pending", "pending")], [])


async def test_a_phones_conflict_with_a_row_that_nobody_edited_here(
    store: HotspotStore, row: Record, path: Path
) -> None:
    """The record is marked, and yet is none of ours: what comes down replaces it unseen."""
    await phone_dispute(store, row)
    held = await local(store, row.key)
    assert (held.edited, held.disputed, held.pending) == (False, True, None)
    assert status(path) == [("conflict", "conflict")]
    assert (await store.sync_health())["conflicts"] == 1
    older = edited(row, "Older", "2026-11-22T09:00:00.000Z")
    await told(store, receive(held, older, comparing=True))
    assert await text_of(store, row.key) == "Older"
    assert (status(path), await waiting(store)) == ([("synced", "synced")], [])


async def test_a_phones_conflict_with_an_edit_that_waits_does_not_hold_it_back(
    store: HotspotStore, row: Record, path: Path
) -> None:
    mine = edited(row, "Mine", T1)
    await accept(store, accepted(mine, row))
    await phone_dispute(store, row)
    assert [edit.record for edit in await store.pending_edits(10)] == [mine]
    assert status(path) == [("pending", "pending")]
    (conflict,) = await waiting(store)
    await store.keep(conflict.id, Choice.LOCAL)
    assert (await local(store, row.key)).pending is not None
    assert await text_of(store, row.key) == "From a phone"


async def test_the_base_of_an_edit_that_waits_stays_when_a_version_is_chosen(
    store: HotspotStore, row: Record
) -> None:
    await accept(store, accepted(edited(row, "Mine", T1), row))
    await phone_dispute(store, row)
    (conflict,) = await waiting(store)
    await store.keep(conflict.id, Choice.LOCAL)
    pending = (await local(store, row.key)).pending
    assert isinstance(pending, Pending)
    assert pending.base_version == row.version


async def test_two_conflicts_about_one_record(store: HotspotStore, row: Record, path: Path) -> None:
    await phone_dispute(store, row, "First")
    await phone_dispute(store, row, "Second")
    second, first = await waiting(store)
    await store.keep(second.id, Choice.SERVER)
    assert [one.id for one in await waiting(store)] == [first.id]
    assert status(path) == [("conflict", "conflict")]
    await store.keep(first.id, Choice.LOCAL)
    assert (await waiting(store), await text_of(store, row.key)) == ([], "First")


async def test_choosing_one_of_two_closes_the_other(store: HotspotStore, row: Record) -> None:
    await phone_dispute(store, row, "First")
    await phone_dispute(store, row, "Second")
    second, first = await waiting(store)
    await store.keep(second.id, Choice.LOCAL)
    assert await waiting(store) == []
    await store.restore(first.id)
    assert await text_of(store, row.key) == "First"


async def test_every_loser_can_be_brought_back(
    store: HotspotStore, row: Record, edits: list[str]
) -> None:
    mine, theirs = edited(row, "Mine", T1), edited(row, "Theirs", T3)
    await accept(store, accepted(mine, row))
    await told(store, receive(await local(store, row.key), theirs))
    assert await waiting(store) == []
    (lost,) = await store.kept_versions(KeptQuery())
    edits.clear()
    await store.restore(lost.id)
    held = await local(store, row.key)
    assert held.record is not None
    assert (held.record.values["verse_text"], edits) == ("Mine", ["edit"])
    assert held.record.updated_at == instants.later(T3, 1)
    assert held.pending is not None
    assert held.pending.base_version == theirs.version
    (other, _) = await store.kept_versions(KeptQuery())
    await store.restore(other.id)
    assert await text_of(store, row.key) == "Theirs"


async def test_a_deletion_that_lost_is_brought_back_as_one(
    store: HotspotStore, row: Record
) -> None:
    gone = records.make(row, T1, {**row.values, "deleted_at": T1})
    deletion = Loser(gone, row.version, "server_wins", "Later.", None)
    await store.write(lambda tx: tx.keep_losers([deletion]))
    (lost,) = await store.kept_versions(KeptQuery())
    await store.restore(lost.id)
    record = (await local(store, row.key)).record
    assert record is not None
    assert record.values["deleted_at"] == record.updated_at


async def test_a_version_of_a_record_that_got_another_id_is_brought_back_there(
    store: HotspotStore, row: Record
) -> None:
    """The losing version was kept under an id that names another record by now."""
    canonical = verse(7)
    await phone_dispute(store, row)
    await store.write_replica(lambda tx: tx.rename([Alias("verse_texts", row.id, canonical.id)]))
    await bring(store, records.make(row, T3, {**row.values, "deleted_at": T3}))
    await bring(store, records.make(canonical, T2, {**row.values, "verse_text": "There"}))
    (lost,) = await store.kept_versions(KeptQuery())
    await store.restore(lost.id)
    assert await text_of(store, canonical.key) == "From a phone"
    ended = (await local(store, row.key)).record
    assert ended is not None
    assert ended.deleted


async def test_a_verse_whose_place_is_taken_is_brought_back_in_that_place(
    store: HotspotStore, row: Record
) -> None:
    await phone_dispute(store, row)
    (lost,) = await waiting(store)
    other = records.make(verse(8), T2, {**row.values, "verse_text": "Another"})
    await bring(store, records.make(row, T2, {**row.values, "deleted_at": T2}), other)
    await store.restore(lost.id)
    assert await text_of(store, other.key) == "From a phone"
    found, _ = await drain(store, TEXT)
    assert [one.id for one in found if one.table == "verse_texts" and not one.deleted] == [other.id]


async def test_what_is_disputed_no_package_replaces(
    store: HotspotStore, row: Record, tmp_path: Path
) -> None:
    await phone_dispute(store, row)
    later = staging(tmp_path / "later", [edited(row, "From a stick", T3)])
    await store.publish(package(), later, T0)
    assert await text_of(store, row.key) == "In the beginning"
    assert len(await waiting(store)) == 1


async def test_lists_are_paged_and_newest_first(store: HotspotStore, row: Record) -> None:
    for name in "abc":
        await phone_dispute(store, row, name)
    await bring(store, verse(2))
    await phone_dispute(store, verse(2), "other")

    async def texts(**asked: object) -> list[object]:
        found = await store.kept_versions(KeptQuery(**asked))  # type: ignore[arg-type]
        return [one.local_record["verse_text"] for one in found]

    assert await texts() == ["other", "c", "b", "a"]
    assert await texts(record_id=row.id, limit=2) == ["c", "b"]
    assert await texts(waiting=True, limit=2, offset=3) == ["a"]
