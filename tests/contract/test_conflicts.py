"""Losing versions in any store: kept open while they ask, closed by what replaces the row."""

import pytest

from hotspot.errors import NotFound
from hotspot.model import instants, records
from hotspot.model.conflicts import OVERRULED, Choice, KeptQuery, KeptVersion
from hotspot.model.records import Key, Record
from hotspot.model.stores import Loser
from tests.contract.opened import (
    DEVICE,
    T1,
    T2,
    TEXT,
    Opened,
    accept,
    accepted,
    drain,
    edited,
    verse,
    version_row,
)

ROW = verse(1)


@pytest.fixture(autouse=True)
async def seeded(opened: Opened) -> None:
    """One verse that stands."""
    await opened.seed([version_row(TEXT), ROW])


async def dispute(opened: Opened, text: str = "From a phone", row: Record = ROW) -> KeptVersion:
    """What judging a phone's edit leaves behind where nobody can tell which is later."""
    standing = (await current(opened, row.key)) or row
    loser = Loser(edited(row, text, T1), standing.version, "manual", "Simultaneous.", DEVICE.id)
    await opened.store.write(lambda tx: tx.keep_losers([loser]))
    return (await waiting(opened))[0]


async def waiting(opened: Opened) -> list[KeptVersion]:
    return list(await opened.conflicts.kept_versions(KeptQuery(waiting=True)))


async def current(opened: Opened, key: Key) -> Record | None:
    return (await opened.store.write(lambda tx: tx.current([key]))).get(key)


async def text(opened: Opened, key: Key = ROW.key) -> object:
    row = await current(opened, key)
    assert row is not None
    return row.values["verse_text"]


async def test_a_conflict_shows_both_versions_and_who_sent_it(opened: Opened) -> None:
    found = await dispute(opened)
    assert found.server_record is not None
    assert found.local_record["verse_text"] == "From a phone"
    assert found.server_record == ROW.to_wire()
    assert (found.table, found.record_id, found.resolution) == ("verse_texts", ROW.id, "manual")
    assert (found.device_id, found.device_name) == (DEVICE.id, DEVICE.name)
    assert found.kept_at == instants.parse(found.kept_at)
    assert await opened.conflicts.kept_version(found.id) == found


async def test_keeping_local_is_an_edit_that_the_feed_brings(opened: Opened) -> None:
    found = await dispute(opened)
    _, before = await drain(opened.store, TEXT)
    await opened.conflicts.keep(found.id, Choice.LOCAL)
    (sent,), _ = await drain(opened.store, TEXT, before)
    assert sent.values["verse_text"] == await text(opened) == "From a phone"
    assert sent.updated_at > ROW.updated_at
    assert sent.updated_by == ROW.updated_by
    assert await waiting(opened) == []
    overruled, chosen = await opened.conflicts.kept_versions(KeptQuery(record_id=ROW.id))
    assert (chosen.id, chosen.resolution) == (found.id, "local_wins")
    assert (overruled.local_record["verse_text"], overruled.reason) == (
        ROW.values["verse_text"],
        OVERRULED,
    )


async def test_keeping_the_servers_closes_and_changes_nothing(opened: Opened) -> None:
    found = await dispute(opened)
    _, before = await drain(opened.store, TEXT)
    await opened.conflicts.keep(found.id, Choice.SERVER)
    assert await drain(opened.store, TEXT, before) == ([], before)
    assert (await opened.conflicts.kept_version(found.id)).resolution == "server_wins"
    assert await waiting(opened) == []


@pytest.mark.parametrize("choice", list(Choice))
async def test_an_edit_that_replaces_the_row_closes_it(opened: Opened, choice: Choice) -> None:
    found = await dispute(opened)
    await accept(opened.store, accepted(edited(ROW, "Moved on", T2), ROW))
    assert await waiting(opened) == []
    with pytest.raises(NotFound, match="is closed"):
        await opened.conflicts.keep(found.id, choice)
    assert await text(opened) == "Moved on"
    assert (await opened.conflicts.kept_version(found.id)).resolution == "server_wins"


async def test_what_is_closed_stays_so_when_the_text_comes_back(opened: Opened) -> None:
    await dispute(opened)
    moved = edited(ROW, "Moved on", T2)
    await accept(opened.store, accepted(moved, ROW))
    await accept(opened.store, accepted(edited(ROW, "In the beginning", T2), moved))
    assert await waiting(opened) == []


async def test_an_edit_of_another_record_closes_nothing(opened: Opened) -> None:
    found = await dispute(opened)
    await accept(opened.store, accepted(verse(2)))
    assert [one.id for one in await waiting(opened)] == [found.id]


async def test_of_two_conflicts_choosing_one_closes_the_other(opened: Opened) -> None:
    first, second = await dispute(opened, "First"), await dispute(opened, "Second")
    await opened.conflicts.keep(second.id, Choice.LOCAL)
    assert await waiting(opened) == []
    await opened.conflicts.restore(first.id)
    assert await text(opened) == "First"


async def test_the_same_version_is_kept_once(opened: Opened) -> None:
    await dispute(opened)
    loser = Loser(edited(ROW, "From a phone", T1), ROW.version, "server_wins", "Later.", None)
    again = Loser(edited(ROW, "From a phone", T1), ROW.version, "manual", "Asked.", DEVICE.id)
    await opened.store.write(lambda tx: tx.keep_losers([loser, again]))
    (kept,) = await opened.conflicts.kept_versions(KeptQuery())
    assert (kept.resolution, kept.reason) == ("manual", "Asked.")


async def test_a_deletion_that_lost_is_brought_back_as_one(opened: Opened) -> None:
    gone = records.make(ROW, T1, {**ROW.values, "deleted_at": T1})
    loser = Loser(gone, ROW.version, "server_wins", "Later.", None)
    await opened.store.write(lambda tx: tx.keep_losers([loser]))
    (lost,) = await opened.conflicts.kept_versions(KeptQuery())
    await opened.conflicts.restore(lost.id)
    row = await current(opened, ROW.key)
    assert row is not None
    assert row.values["deleted_at"] == row.updated_at


async def test_a_verse_whose_place_is_taken_is_brought_back_in_that_place(opened: Opened) -> None:
    found = await dispute(opened)
    ended = records.make(ROW, T2, {**ROW.values, "deleted_at": T2})
    other = records.make(verse(8), T2, {**ROW.values, "verse_text": "Another"})
    await accept(opened.store, accepted(ended, ROW), accepted(other))
    await opened.conflicts.restore(found.id)
    assert await text(opened, other.key) == "From a phone"


@pytest.mark.parametrize("number", [0, -1, 10**17])
async def test_numbers_that_name_nothing(opened: Opened, number: int) -> None:
    for ask in (
        opened.conflicts.kept_version(number),
        opened.conflicts.keep(number, Choice.LOCAL),
        opened.conflicts.restore(number),
    ):
        with pytest.raises(NotFound):
            await ask


async def test_lists_are_paged_and_newest_first(opened: Opened) -> None:
    for name in "abc":
        await dispute(opened, name)
    await opened.seed([verse(2)])
    await dispute(opened, "other", verse(2))

    async def texts(**asked: object) -> list[object]:
        found = await opened.conflicts.kept_versions(KeptQuery(**asked))  # type: ignore[arg-type]
        return [one.local_record["verse_text"] for one in found]

    assert await texts() == ["other", "c", "b", "a"]
    assert await texts(record_id=ROW.id, limit=2) == ["c", "b"]
    assert await texts(waiting=True, limit=2, offset=3) == ["a"]
