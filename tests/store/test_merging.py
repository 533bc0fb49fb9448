"""Packages whose verses are here under other ids: one live row of each, whatever came first."""

from pathlib import Path

import pytest

from hotspot.model import records
from hotspot.model.aliases import renamed
from hotspot.model.digest import WHOLE, Sum, fingerprint, row_hash
from hotspot.model.merge import Mark, Outcome
from hotspot.model.records import Key, Record
from hotspot.model.tables import MEDIA_FILES_VERSES, VERSE_TEXTS
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    T0,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    drain,
    edited,
    timing,
    uuid,
    verse,
    version_row,
)
from tests.store.support import package, staging
from tests.store.test_publishing import current, losers


def elsewhere(row: Record, text: str, updated_at: str, *, deleted: bool = False) -> Record:
    """The same verse as another place made it: under an id of its own."""
    made = edited(row, text, updated_at)
    if deleted:
        made = records.make(made, updated_at, {**made.values, "deleted_at": updated_at})
    return renamed(made, uuid(int(row.id[-8:], 16) + (9 << 32)))


async def named_by(store: HotspotStore, row: Record) -> Key | None:
    return (await store.write(lambda tx: tx.canonical([row.key]))).get(row.key)


@pytest.mark.parametrize(("stamp", "wins"), [(T2, True), (T1, False), (T0, False)])
async def test_a_verse_that_is_here_under_another_id_keeps_that_and_takes_a_later_text(
    store: HotspotStore, tmp_path: Path, stamp: str, wins: bool
) -> None:
    row, free = verse(1, "Here", T1), verse(2, "New", T0)
    await store.publish(package(), staging(tmp_path / "a", [version_row(TEXT), row]), T2)
    _, token = await drain(store, TEXT)
    twin = elsewhere(row, "From a stick", stamp)
    other = package("other")
    counts = await store.publish(other, staging(tmp_path / "b", [twin, free]), T2)
    assert counts.written["verse_texts"] == 1 + wins
    now = await current(store, row)
    assert now.values["verse_text"] == ("From a stick" if wins else "Here")
    assert now.hash == records.content_hash(VERSE_TEXTS, now.values)
    assert await named_by(store, twin) == row.key
    assert await store.write(lambda tx: tx.current([twin.key])) == {}
    news, token = await drain(store, TEXT, token)
    assert {record.id for record in news} == {free.id} | ({row.id} if wins else set())
    again = await store.publish(other, staging(tmp_path / "c", [twin, free]), T2)
    assert again.written["verse_texts"] == 0
    (digest,) = await store.digest([(TEXT, [WHOLE])])
    rows = [version_row(TEXT), now, free]
    numbers = sum(row_hash(r.id, r.updated_at, r.hash) for r in rows)
    assert digest.sums == [Sum(3, fingerprint(numbers))]


async def test_a_twin_never_replaces_an_edit_that_waits_and_what_was_edited_is_kept(
    store: HotspotStore, tmp_path: Path
) -> None:
    row, other = verse(1), verse(2)
    rows = [version_row(TEXT), row, other]
    await store.publish(package(), staging(tmp_path / "a", rows), T2)
    mine, settled = edited(row, "Waits", T1), edited(other, "Settled", T1)
    await accept(store, accepted(mine, row), accepted(settled, other))
    outcome = Outcome(table=other.table, id=other.id, record=settled, mark=Mark.SYNCED)
    await store.write_replica(lambda tx: tx.settle([outcome], T1))
    twins = [elsewhere(one, "From a stick", T2) for one in (row, other)]
    counts = await store.publish(package("b"), staging(tmp_path / "b", twins), T2)
    assert counts.written["verse_texts"] == 1
    assert await current(store, row) == mine
    assert (await current(store, other)).values["verse_text"] == "From a stick"
    assert await losers(store) == [(settled.version, twins[1].version, "server_wins")]
    third = [elsewhere(one, "Again", "2026-11-22T10:00:09.000Z") for one in (row, other)]
    await store.publish(package("b", "2.0"), staging(tmp_path / "c", third), T2)
    assert await current(store, row) == mine


async def test_a_deleted_verse_frees_its_key_for_a_package(
    store: HotspotStore, tmp_path: Path
) -> None:
    row = verse(1, "Here", T0)
    await store.publish(package(), staging(tmp_path / "a", [version_row(TEXT), row]), T2)
    gone = records.make(row, T1, {**row.values, "deleted_at": T1})
    twin = elsewhere(row, "From a stick", T1)
    await store.publish(package("b"), staging(tmp_path / "b", [twin, gone]), T2)
    assert (await current(store, row)).deleted
    assert (await current(store, twin)).values["verse_text"] == "From a stick"
    assert await named_by(store, twin) is None


async def test_a_deleted_row_does_not_come_back_beside_the_one_that_took_its_key(
    store: HotspotStore, tmp_path: Path
) -> None:
    row = verse(1, "Here", T1)
    gone = elsewhere(row, "Deleted", T0, deleted=True)
    rows = [version_row(TEXT), row, gone]
    await store.publish(package(), staging(tmp_path / "a", rows), T2)
    back = elsewhere(row, "Back", T2)
    await store.publish(package("b"), staging(tmp_path / "b", [back]), T2)
    assert (await current(store, row)).values["verse_text"] == "Back"
    assert await current(store, gone) == gone
    assert await named_by(store, back) == row.key


async def test_timings_follow_the_verse_that_they_refer_to(
    store: HotspotStore, tmp_path: Path
) -> None:
    """Whichever comes first: the timings, the text, or the text that was here already."""
    twin = elsewhere(verse(1), "From a stick", T0)
    early, late = (
        records.make(one, T0, {**one.values, "verse_text_id": twin.id})
        for one in (timing(1, 0.5), timing(2, 0.75))
    )
    audio = package("audio", text=None, audio_version=AUDIO.id)
    await store.publish(audio, staging(tmp_path / "a", [version_row(AUDIO), early]), T2)
    await store.publish(package(), staging(tmp_path / "b", [version_row(TEXT), verse(1)]), T2)
    await store.publish(package("twin"), staging(tmp_path / "c", [twin]), T2)
    await store.publish(audio, staging(tmp_path / "d", [late]), T2)
    for one in (early, late):
        now = await current(store, one)
        assert (now.values["verse_text_id"], now.updated_at) == (verse(1).id, T0)
        assert now.hash == records.content_hash(MEDIA_FILES_VERSES, now.values)
