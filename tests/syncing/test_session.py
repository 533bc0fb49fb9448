"""Sessions between a real hotspot store and real servers of both kinds, over real HTTP."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from hotspot.errors import NoSpace, TryLater, UpstreamRefused, UpstreamUnreachable
from hotspot.http.auth import hash_token
from hotspot.model import records
from hotspot.model.records import Record
from hotspot.model.stores import Device
from hotspot.store.replica import Replica
from hotspot.syncing import fetching, sending
from hotspot.syncing.upstream import Upstream
from tests.contract.opened import OTHER_TEXT, T0, T1, T2, edited, verse, version_row
from tests.store.support import package, staging
from tests.syncing.conftest import BOX, ROWS, Pair


def text(record: Record) -> object:
    return record.values["verse_text"]


async def test_an_edit_goes_up_with_its_stamp_and_does_not_come_back(pair: Pair) -> None:
    await pair.synced()
    await pair.edit(edited(verse(1), "corrected here", T2))
    report = await pair.synced()
    assert (report.uploaded, report.downloaded, report.conflicts) == (1, 0, 0)
    here, there = await pair.at_hub(verse(1).key), await pair.at_server(verse(1).key)
    assert text(there) == "corrected here"
    assert (here.version, here.updated_by) == (there.version, there.updated_by)
    assert not await pair.pending()
    assert (await pair.synced()).downloaded == 0


async def test_what_changed_there_comes_down(pair: Pair) -> None:
    await pair.synced()
    gone = records.make(verse(3), T1, {**verse(3).values, "deleted_at": T1})
    await pair.edit_server(edited(verse(2), "corrected there", T1), gone)
    report = await pair.synced()
    assert (report.uploaded, report.downloaded) == (0, 2)
    assert text(await pair.at_hub(verse(2).key)) == "corrected there"
    assert (await pair.at_hub(verse(3).key)).deleted
    assert not await pair.pending()


async def test_a_new_record_and_a_deletion_go_up(pair: Pair) -> None:
    await pair.synced()
    gone = records.make(verse(1), T2, {**verse(1).values, "deleted_at": T2})
    await pair.edit(verse(77, "a new verse", T2), gone)
    await pair.synced()
    assert text(await pair.at_server(verse(77).key)) == "a new verse"
    deleted = await pair.at_server(verse(1).key)
    assert deleted.deleted
    assert deleted.version == (await pair.at_hub(verse(1).key)).version


@pytest.mark.parametrize(("stamp", "wins"), [(T2, "here"), (T0, "there")])
async def test_the_later_of_two_edits_wins_and_the_other_is_kept(
    pair: Pair, stamp: str, wins: str
) -> None:
    await pair.synced()
    await pair.edit_server(edited(verse(1), "there", T1))
    await pair.edit(records.make(verse(1), stamp, {**verse(1).values, "verse_text": "here"}))
    report = await pair.synced()
    assert report.uploaded == 1
    assert text(await pair.at_server(verse(1).key)) == wins
    assert text(await pair.at_hub(verse(1).key)) == wins
    lost = {text(loser.record) for loser in await pair.server.losers()}
    assert lost == {"there" if wins == "here" else "here"}
    assert not await pair.pending()


async def test_edits_too_close_to_tell_wait_for_a_person(pair: Pair) -> None:
    await pair.synced()
    await pair.edit_server(edited(verse(1), "there", T1))
    close = "2026-11-22T10:00:01.900Z"
    await pair.edit(edited(verse(1), "here", close))
    report = await pair.synced()
    assert report.conflicts == 1
    assert text(await pair.at_hub(verse(1).key)) == "there"
    health = await pair.hub.sync_health()
    assert (health["conflicts"], health["pending"]) == (1, 0)


async def test_an_answer_that_is_lost_is_asked_for_again(pair: Pair) -> None:
    """The batch went through; nothing takes effect twice, and nothing stays pending."""
    await pair.synced()
    await pair.edit(edited(verse(1), "corrected here", T2))
    pair.trouble.ahead = ["lost"]
    report = await pair.sync()
    assert isinstance(report.error, UpstreamUnreachable)
    assert text(await pair.at_server(verse(1).key)) == "corrected here"
    await pair.edit_server(edited(await pair.at_server(verse(1).key), "then there", T2))
    report = await pair.synced()
    assert report.uploaded == 1
    assert text(await pair.at_hub(verse(1).key)) == "then there"
    assert text(await pair.at_server(verse(1).key)) == "then there"
    assert await pair.server.losers() == []
    assert not await pair.pending()


async def test_an_edit_made_while_its_predecessor_travels_goes_up_next(pair: Pair) -> None:
    await pair.synced()
    await pair.edit(edited(verse(1), "first", T2))
    pair.trouble.ahead = ["lost"]
    await pair.sync()
    later = "2026-11-22T10:00:09.000Z"
    await pair.edit(edited(verse(1), "second", later))
    await pair.synced()
    assert text(await pair.at_server(verse(1).key)) == "second"
    assert text(await pair.at_hub(verse(1).key)) == "second"
    assert await pair.server.losers() == []
    assert not await pair.pending()


async def test_many_edits_go_up_in_batches_and_a_cut_costs_one(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BATCH", 2)
    await pair.synced()
    await pair.edit(*(edited(verse(number), f"edit {number}", T2) for number in range(1, 6)))
    pair.trouble.ahead = [None, "refused"]
    assert (await pair.sync()).error is not None
    arrived = [text(await pair.at_server(verse(n).key)) == f"edit {n}" for n in range(1, 6)]
    assert arrived.count(False) in (1, 2)
    report = await pair.synced()
    assert report.uploaded == arrived.count(False)
    assert [text(await pair.at_server(verse(n).key)) for n in range(1, 6)] == [
        f"edit {n}" for n in range(1, 6)
    ]


async def test_pages_are_read_to_the_end_also_after_a_cut(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PAGE", 2)
    await pair.synced()
    await pair.edit_server(*(edited(verse(n), f"there {n}", T1) for n in range(1, 6)))
    pair.trouble.ahead = [None, "lost"]
    report = await pair.sync()
    assert (report.downloaded, isinstance(report.error, UpstreamUnreachable)) == (2, True)
    report = await pair.synced()
    assert (report.downloaded, report.requests) == (3, 2), "it goes on behind the first page"
    assert [text(await pair.at_hub(verse(n).key)) for n in range(1, 6)] == [
        f"there {n}" for n in range(1, 6)
    ]


async def test_a_page_that_cannot_be_written_is_read_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.synced()
    await pair.edit_server(edited(verse(1), "there", T1))

    async def full(*_: object) -> None:
        raise NoSpace("The card is full.")

    with monkeypatch.context() as context:
        context.setattr(Replica, "settle", full)
        report = await pair.sync()
        assert isinstance(report.error, NoSpace)
    await pair.synced()
    assert text(await pair.at_hub(verse(1).key)) == "there"


async def test_edits_of_a_version_unknown_there_wait_and_hold_back_no_other(
    pair: Pair, tmp_path: Path
) -> None:
    other = [*ROWS, *(verse(n, scope=OTHER_TEXT) for n in (1, 2))]
    await _publish_other(pair, tmp_path, other)
    await pair.edit(edited(verse(1, scope=OTHER_TEXT), "unknown there", T2))
    await pair.edit(edited(verse(1), "known there", T2))
    report = await pair.synced()
    assert report.uploaded == 1
    assert text(await pair.at_server(verse(1).key)) == "known there"
    assert (await pair.hub.sync_health())["pending"] == 1
    assert (await pair.synced()).requests == 1
    await pair.server.seed([_version_of_other(), verse(1, scope=OTHER_TEXT)])
    await pair.synced()
    await pair.synced()
    assert text(await pair.at_server(verse(1, scope=OTHER_TEXT).key)) == "unknown there"
    assert (await pair.hub.sync_health())["pending"] == 0


async def _publish_other(pair: Pair, tmp_path: Path, rows: list[Record]) -> None:
    staged = await asyncio.to_thread(staging, tmp_path / "other.db", [*rows, _version_of_other()])
    await pair.hub.publish(package("other", text=OTHER_TEXT.id), staged, T0)


def _version_of_other() -> Record:
    return version_row(OTHER_TEXT)


async def test_after_a_new_epoch_everything_is_read_anew_and_nothing_pending_is_lost(
    pair: Pair,
) -> None:
    """What the hotspot has and a restored server lacks goes up again."""
    await pair.synced()
    await pair.edit(edited(verse(1), "pending", T2))
    (position,) = await pair.hub.positions()
    positions = [replace(position, token="a token of another life", comparing=False)]
    await pair.hub.write_replica(lambda tx: tx.set_positions(positions))
    await pair.synced()
    assert text(await pair.at_server(verse(1).key)) == "pending"
    (position,) = await pair.hub.positions()
    assert position.token != "a token of another life"


async def test_the_hotspot_learns_the_time_from_the_server(pair: Pair) -> None:
    assert not pair.clock.trusted
    await pair.synced()
    assert pair.clock.trusted


@pytest.mark.parametrize(("status", "kind"), [(503, TryLater), (429, TryLater)])
async def test_a_server_that_asks_for_patience_gets_it(
    pair: Pair, status: int, kind: type[Exception]
) -> None:
    await pair.edit(edited(verse(1), "later", T2))
    pair.trouble.ahead = [status]
    report = await pair.sync()
    assert isinstance(report.error, kind)
    await pair.synced()
    assert text(await pair.at_server(verse(1).key)) == "later"


async def test_without_a_valid_token_nothing_goes_up_and_nothing_is_lost(pair: Pair) -> None:
    await pair.synced()
    await pair.edit(edited(verse(1), "corrected here", T2))
    stranger = Upstream(pair.upstream._session, pair.upstream._url, "stolen", pair.clock)
    known, pair.upstream = pair.upstream, stranger
    report = await pair.sync()
    assert isinstance(report.error, UpstreamRefused)
    assert "pair this device again" in str(report.error)
    assert (await pair.hub.sync_health())["pending"] == 1
    pair.upstream = known
    await pair.synced()
    assert text(await pair.at_server(verse(1).key)) == "corrected here"


async def test_the_session_log_says_what_happened(pair: Pair) -> None:
    await pair.synced()
    await pair.edit(edited(verse(1), "corrected here", T2))
    await pair.synced()
    pair.trouble.ahead = ["refused"]
    await pair.sync()
    health = await pair.hub.sync_health()
    assert (health["failedSyncs"], health["pendingPackages"]) == (1, 1)
    assert health["averageSyncTime"] is not None


async def test_who_may_only_read_uploads_nothing(pair: Pair) -> None:
    reader = Device(id=BOX.id.replace("b0", "b1"), name="Reader", role="reader")
    await pair.server.add_device(reader, hash_token("reader"))
    await pair.synced()
    await pair.edit(edited(verse(1), "corrected here", T2))
    pair.upstream = Upstream(pair.upstream._session, pair.upstream._url, "reader", pair.clock)
    report = await pair.synced()
    assert report.conflicts == 1
    assert text(await pair.at_server(verse(1).key)) == text(verse(1))
    assert text(await pair.at_hub(verse(1).key)) == text(verse(1))
