"""One verse made in two places: what hotspots, phones and servers of both kinds make of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from hotspot.http.auth import hash_token
from hotspot.model import records
from hotspot.model.aliases import Alias, natural_key, renamed
from hotspot.model.records import Record
from hotspot.model.stores import FeedQuery
from hotspot.model.wire import Change, ChangesRequest, scope_request
from hotspot.store.store import HotspotStore
from hotspot.syncing import fetching
from hotspot.syncing.receiving import Page
from hotspot.syncing.upstream import Upstream
from tests.contract.opened import (
    AUDIO,
    DEVICE,
    T0,
    T1,
    T2,
    TEXT,
    Opened,
    drain,
    edited,
    timing,
    uuid,
    verse,
    version_row,
)
from tests.store.support import bring, package, staging
from tests.syncing.conftest import Pair, Trouble, serving

LATER = "2026-11-22T10:00:09.000Z"
NEW = verse(77, "new", T2)


def twin(number: int, words: str, stamp: str = T2, row: Record = NEW) -> Record:
    """The verse of `row`, made elsewhere."""
    return renamed(edited(row, words, stamp), uuid(number + (7 << 32)))


def text(record: Record | None) -> object:
    return record.values["verse_text"] if record is not None else None


async def live(store: Any, row: Record = NEW) -> Record:
    """The one live row of a verse."""
    found, _ = await drain(store, TEXT)
    rows = [r for r in found if natural_key(r) == natural_key(row) and not r.deleted]
    assert len(rows) == 1, rows
    return rows[0]


async def texts(pair: Pair) -> tuple[object, object]:
    return text(await live(pair.hub)), text(await live(pair.server.store))


@pytest.mark.parametrize(("stamp", "wins"), [(T2, "here"), (T0, "there")])
async def test_the_servers_id_survives_and_the_later_text(
    pair: Pair, stamp: str, wins: str
) -> None:
    await pair.synced()
    theirs, mine = twin(1, "there", T1), twin(2, "here", stamp)
    await pair.edit_server(theirs)
    await pair.edit(mine)
    _, token = await drain(pair.hub, TEXT)
    await pair.synced()
    assert await texts(pair) == (wins, wins)
    here, there = await live(pair.hub), await live(pair.server.store)
    assert (here.id, here.version) == (theirs.id, there.version)
    lost = {text(loser.record) for loser in await pair.server.losers()}
    assert lost == {"there" if wins == "here" else "here"}
    assert not await pair.pending()
    page = await pair.hub.read_changes(FeedQuery(scopes=[(TEXT, token)], limit=10))
    assert {r.id: r.deleted for r in page.records} == {mine.id: True, theirs.id: False}
    assert page.aliases == {mine.key: theirs.key}
    assert (await pair.synced()).requests == 1


async def test_the_same_text_is_no_conflict(pair: Pair) -> None:
    await pair.synced()
    await pair.edit_server(twin(1, "same", T1))
    await pair.edit(twin(2, "same", T2))
    report = await pair.synced()
    assert (report.conflicts, await pair.server.losers()) == (0, [])
    assert (await live(pair.hub)).version == (await live(pair.server.store)).version


async def test_near_texts_wait_for_a_person_under_the_surviving_id(pair: Pair) -> None:
    await pair.synced()
    theirs = twin(1, "there", T1)
    await pair.edit_server(theirs)
    await pair.edit(twin(2, "here", "2026-11-22T10:00:01.900Z"))
    await pair.synced()
    assert await texts(pair) == ("there", "there")
    assert (await pair.hub.sync_health())["conflicts"] == 1
    lost = await pair.hub._database.read("SELECT record_id FROM losing_versions")
    assert lost == [(theirs.id,)]


async def test_phones_that_know_the_old_id_go_on_with_it(pair: Pair) -> None:
    """An edit of the record that was here, uploaded to the hotspot after it got another id."""
    await pair.synced()
    theirs, mine = twin(1, "there", T0), twin(2, "here", T1)
    await pair.edit_server(theirs)
    await pair.edit(mine)
    await pair.synced()
    await pair.hub.add_device(DEVICE, hash_token("phone"))
    trouble = Trouble()
    async with serving(_opened(pair), trouble, pair.clock) as url, aiohttp.ClientSession() as http:
        change = {
            "table": "verse_texts",
            "recordId": mine.id,
            "record": {"verse_text": "by a phone"},
            "baseVersion": mine.version,
            "localTimestamp": LATER,
        }
        upstream = Upstream(http, url, "phone", pair.clock)
        body = msgspec.json.encode({"changes": [change]})
        answer = await upstream.upload(body, pair.clock.timeline)
        feed = await upstream.changes(ChangesRequest(scopes=[scope_request(TEXT, None)]))
    (result,) = answer.results
    assert (result.status, result.canonical_id) == ("applied", theirs.id)
    assert result.server_record is not None
    assert result.server_record["id"] == theirs.id
    renames = {one.record_id: one.canonical_id for one in feed.changes}
    assert renames.pop(mine.id) == theirs.id
    assert set(renames.values()) == {msgspec.UNSET}
    await pair.synced()
    assert await texts(pair) == ("by a phone", "by a phone")


def _opened(pair: Pair) -> Opened:
    """The hotspot itself as a server."""
    return replace(pair.server, store=pair.hub)


async def test_two_hotspots_end_with_one_verse(pair: Pair, tmp_path: Path) -> None:
    await pair.synced()
    async with HotspotStore.open(tmp_path / "other.db", pair.clock) as other:
        rows = [version_row(TEXT), *(verse(number) for number in range(1, 6))]
        await other.publish(package(), staging(tmp_path / "other-staging.db", rows), T0)
        second = Pair(pair.server, other, pair.upstream, pair.clock, pair.trouble)
        first_row, second_row = twin(1, "first", T1), twin(2, "second", T2)
        await pair.edit(first_row)
        await second.edit(second_row)
        for one in (pair, second, pair):
            await one.synced()
        for one in (pair, second):
            assert await texts(one) == ("second", "second")
            assert (await live(one.hub)).id == first_row.id
            assert not await one.pending()
        assert (await live(pair.hub)).version == (await live(other)).version
        await second.edit(edited(await live(other), "edited on", LATER))
        await second.synced()
        await pair.synced()
        assert await texts(pair) == ("edited on", "edited on")


async def test_an_answer_that_was_lost_renames_when_it_comes(pair: Pair) -> None:
    """An edit made meanwhile moves with the record, and goes up next."""
    await pair.synced()
    theirs, mine = twin(1, "there", T0), twin(2, "here", T1)
    await pair.edit_server(theirs)
    await pair.edit(mine)
    pair.trouble.ahead = ["lost"]
    await pair.sync()
    await pair.edit(edited(mine, "edited meanwhile", LATER))
    await pair.synced()
    assert await texts(pair) == ("edited meanwhile", "edited meanwhile")
    assert (await live(pair.hub)).id == theirs.id
    assert [text(loser.record) for loser in await pair.server.losers()] == ["there"]
    assert not await pair.pending()


@pytest.mark.parametrize("pages", [1, 1_000])
async def test_a_package_under_other_ids_goes_over_to_the_servers(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """What only a stick brought was never pending; the server's ids come down and take the keys."""
    monkeypatch.setattr(fetching, "PAGE", pages)
    theirs = [verse(number, f"verse {number}", T1) for number in range(10, 20)]
    ours = [twin(number, f"verse {number}", T1, row) for number, row in enumerate(theirs)]
    pointing = [
        records.make(one, T1, {**one.values, "verse_text_id": row.id})
        for one, row in zip([timing(n, 1.0) for n in range(10, 20)], ours, strict=True)
    ]
    rows = [version_row(AUDIO), *ours, *pointing]
    stick = package("stick", audio_version=AUDIO.id)
    await pair.hub.publish(stick, staging(tmp_path / "s", rows), T1)
    edit = edited(ours[3], "edited here", T2)
    await pair.edit(edit)
    await pair.server.seed(theirs)
    await pair.synced()
    await pair.synced()
    for number, row in enumerate(theirs):
        here = await live(pair.hub, row)
        assert here.id == row.id
        assert here.version == (await pair.at_server(row.key)).version
        assert text(here) == ("edited here" if number == 3 else f"verse {10 + number}")
        moved = await pair.at_hub(pointing[number].key)
        assert moved.values["verse_text_id"] == row.id
    assert not await pair.pending()


async def test_what_refers_to_a_verse_that_only_this_hotspot_renamed_is_as_the_server_has_it(
    pair: Pair, tmp_path: Path
) -> None:
    """The server hears of the verse under the id that survived here, and of no other."""
    first, second = twin(1, "first", T1), twin(2, "second", T2)
    spoken = timing(77, 1.0)
    spoken = records.make(spoken, T0, {**spoken.values, "verse_text_id": second.id})
    rows = [version_row(AUDIO), spoken]
    await pair.server.seed(rows)
    stick = package("stick", audio_version=AUDIO.id)
    await pair.hub.publish(stick, staging(tmp_path / "s", rows), T1)
    await pair.synced()
    await pair.edit(first)
    alias = Alias(second.table, second.id, first.id)
    await pair.hub.write(lambda tx: tx.add_aliases([alias]))
    await pair.synced()
    assert (await pair.at_hub(spoken.key)).version == (await pair.at_server(spoken.key)).version


async def test_a_hotspot_below_moves_its_waiting_edit_when_the_feed_tells(
    pair: Pair, tmp_path: Path
) -> None:
    """The middle one renamed a record; below it an edit of the old id waits."""
    await pair.synced()
    theirs, mine = twin(1, "there", T0), twin(2, "here", T1)
    await pair.hub.add_device(DEVICE, hash_token("below"))
    trouble = Trouble()
    async with (
        serving(_opened(pair), trouble, pair.clock) as url,
        aiohttp.ClientSession() as http,
        HotspotStore.open(tmp_path / "below.db", pair.clock) as store,
    ):
        await store.publish(package(), staging(tmp_path / "b", [version_row(TEXT)]), T0)
        upstream = Upstream(http, url, "below", pair.clock)
        below = Pair(_opened(pair), store, upstream, pair.clock, trouble)
        await pair.edit(mine)
        await below.synced()
        await below.edit(edited(await live(store), "edited below", LATER))
        await pair.edit_server(theirs)
        await pair.synced()
        await _fetch_only(below)
        (waiting,) = await below.pending()
        assert (waiting.record.id, text(waiting.record)) == (theirs.id, "edited below")
        names = await store.write(lambda tx: tx.canonical([mine.key]))
        assert names == {mine.key: theirs.key}
        await below.synced()
        await pair.synced()
        assert await texts(pair) == ("edited below", "edited below")
        assert text(await live(store)) == "edited below"
        assert await pair.hub._database.read("SELECT * FROM set_aside") == []


async def _fetch_only(pair: Pair) -> None:
    """The way down of a session, without the way up."""
    await fetching.Fetches(pair.hub, pair.upstream, pair.clock).run()


async def test_a_deletion_goes_up_also_when_its_id_names_the_verse_that_came_after(
    pair: Pair,
) -> None:
    """A phone brings the deleted verse back where another has taken its place."""
    await pair.synced()
    row = verse(1)
    gone = records.make(row, T1, {**row.values, "deleted_at": T1})
    taken = twin(1, "in its place", T2, row)
    await pair.edit(gone)
    await pair.edit(taken)
    alias = Alias(row.table, row.id, taken.id)
    await pair.hub.write(lambda tx: tx.add_aliases([alias]))
    await pair.synced()
    assert not await pair.pending()
    assert (await pair.at_server(row.key)).deleted
    assert text(await live(pair.server.store, row)) == "in its place"


async def test_a_live_row_from_the_server_is_no_alias_any_more(pair: Pair) -> None:
    await pair.synced()
    row = twin(5, "alone")
    await pair.hub.write_replica(lambda tx: tx.rename([Alias(row.table, row.id, verse(1).id)]))
    await bring(pair.hub, row)
    assert await pair.hub.write(lambda tx: tx.canonical([row.key])) == {}


def test_what_the_feed_says_of_an_id_that_is_none_is_set_aside() -> None:
    gone = records.make(verse(9), T1, {**verse(9).values, "deleted_at": T1})
    change = Change(
        table=gone.table,
        record_id=gone.id,
        operation="DELETE",
        record=dict(gone.to_wire()),
        version=gone.version,
        changed_at=T1,
        canonical_id="../etc",
    )
    page = Page([change])
    assert (page.good, page.aliases) == ([], [])
    assert page.keys == {gone.key}
