"""Rows of packages go up once they are approved, and only where the server lacks them."""

import asyncio
from pathlib import Path

import pytest

from hotspot.http.auth import hash_token
from hotspot.model import records
from hotspot.model.aliases import renamed
from hotspot.model.records import Record
from hotspot.model.stores import Device
from hotspot.syncing import approving
from hotspot.syncing.upstream import Upstream
from tests.contract.opened import (
    AUDIO,
    OTHER_TEXT,
    T0,
    T1,
    T2,
    Opened,
    drain,
    edited,
    media_file,
    timing,
    verse,
    version_row,
)
from tests.store.support import package, staging
from tests.syncing.conftest import BOX, Pair, after_power_cut
from tests.syncing.test_session import text

TEXTS = [version_row(OTHER_TEXT), *(verse(n, f"Text {n}", scope=OTHER_TEXT) for n in range(1, 8))]
SOUNDS = [version_row(AUDIO), media_file(1), timing(1, 0.5), timing(2, 2.75)]


async def publish(pair: Pair, tmp_path: Path, *rows: Record, sha256: str = "ab" * 32) -> None:
    """The package 'other', unsigned, with the versions that the server does not know."""
    staged = await asyncio.to_thread(staging, tmp_path / "other.db", rows)
    new = package("other", text=OTHER_TEXT.id, audio_version=AUDIO.id, sha256=sha256)
    await pair.hub.publish(new, staged, T0)


async def there(server: Opened) -> dict[object, str]:
    """What the server has of the package's versions."""
    rows = [row for scope in (OTHER_TEXT, AUDIO) for row in (await drain(server.store, scope))[0]]
    return {row.key: row.version for row in rows}


def versions(*rows: Record) -> dict[object, str]:
    return {row.key: row.version for row in rows}


async def test_without_approval_nothing_goes_up(pair: Pair, tmp_path: Path) -> None:
    await publish(pair, tmp_path, *TEXTS, *SOUNDS)
    for _ in range(2):
        assert (await pair.synced()).uploaded == 0
    assert await there(pair.server) == {}
    assert await pair.pending() == []


async def test_an_approved_package_goes_up_whole_with_its_stamps(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approving, "BATCH", 3)
    await publish(pair, tmp_path, *TEXTS, *SOUNDS)
    await pair.hub.approve("other")
    report = await pair.synced()
    assert (report.uploaded, report.conflicts) == (len(TEXTS) + len(SOUNDS), 0)
    assert await there(pair.server) == versions(*TEXTS, *SOUNDS)
    assert await pair.pending() == []
    (approval,) = await pair.hub.approvals()
    assert (approval.reason, approval.finished_at is not None) == (None, True)
    assert ((await pair.synced()).uploaded, (await pair.synced()).requests) == (0, 1)


async def test_only_what_the_server_lacks_goes_up_and_its_versions_stand(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approving, "BATCH", 3)
    theirs = edited(TEXTS[2], "Older, and theirs", "2026-11-22T09:00:00.000Z")
    await pair.server.seed([TEXTS[0], TEXTS[1], theirs])
    await publish(pair, tmp_path, *TEXTS)
    await pair.hub.approve("other")
    assert (await pair.synced()).uploaded == len(TEXTS) - 3
    assert await there(pair.server) == versions(TEXTS[0], TEXTS[1], theirs, *TEXTS[3:])
    assert text(await pair.at_hub(theirs.key)) == "Older, and theirs"
    assert await pair.server.losers() == []


async def test_what_the_server_got_meanwhile_is_not_overwritten(pair: Pair, tmp_path: Path) -> None:
    """It arrives between the question what is there and the batch."""
    await publish(pair, tmp_path, *TEXTS)
    await pair.hub.approve("other")
    theirs = edited(TEXTS[2], "Just arrived", "2026-11-22T09:00:00.000Z")

    async def arrive() -> None:
        await pair.server.seed([theirs])

    pair.trouble.ahead = [None, None, arrive]
    await pair.synced()
    await pair.synced()
    assert text(await pair.at_server(theirs.key)) == "Just arrived"
    assert text(await pair.at_hub(theirs.key)) == "Just arrived"
    assert await pair.server.losers() == []


async def test_edits_that_waited_for_the_version_go_up_after_it(pair: Pair, tmp_path: Path) -> None:
    await publish(pair, tmp_path, *TEXTS)
    await pair.edit(edited(TEXTS[1], "corrected here", T2))
    await pair.synced()
    health = await pair.hub.sync_health()
    assert (health["pending"], health["pendingUnknown"]) == (1, 1)
    await pair.hub.approve("other")
    await pair.synced()
    assert text(await pair.at_server(TEXTS[1].key)) == "corrected here"
    health = await pair.hub.sync_health()
    assert (health["pending"], health["pendingUnknown"]) == (0, 0)
    assert (await there(pair.server)).keys() == versions(*TEXTS).keys()


async def test_rows_that_other_packages_brought_stay_here(pair: Pair, tmp_path: Path) -> None:
    await publish(pair, tmp_path, *TEXTS[:4])
    staged = await asyncio.to_thread(
        staging, tmp_path / "more.db", [*TEXTS[4:], edited(TEXTS[1], "Forged", T1)]
    )
    await pair.hub.publish(package("unapproved", text=OTHER_TEXT.id), staged, T0)
    await pair.hub.approve("other")
    await pair.synced()
    assert await there(pair.server) == versions(TEXTS[0], *TEXTS[2:4])


async def test_another_file_of_the_package_needs_its_own_approval(
    pair: Pair, tmp_path: Path
) -> None:
    await publish(pair, tmp_path, *TEXTS[:2])
    await pair.hub.approve("other")
    await publish(pair, tmp_path, *TEXTS, sha256="cd" * 32)
    assert await pair.hub.approvals() == []
    await pair.synced()
    assert await there(pair.server) == {}
    await pair.hub.approve("other")
    await pair.synced()
    assert await there(pair.server) == versions(*TEXTS)


@pytest.mark.parametrize("trouble", ["lost", "refused", 503])
async def test_a_cut_costs_a_batch_and_nothing_goes_up_twice(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str | int
) -> None:
    monkeypatch.setattr(approving, "BATCH", 3)
    await publish(pair, tmp_path, *TEXTS)
    await pair.hub.approve("other")
    pair.trouble.ahead = [None, None, None, None, trouble]
    assert (await pair.sync()).error is not None
    async with after_power_cut(pair, tmp_path):
        await pair.synced()
        await pair.synced()
        assert await there(pair.server) == versions(*TEXTS)
        assert (await pair.server.losers(), await pair.hub.open_batches()) == ([], [])
        (approval,) = await pair.hub.approvals()
        assert approval.finished_at is not None


async def test_a_server_that_takes_nothing_is_not_asked_for_ever(
    pair: Pair, tmp_path: Path
) -> None:
    """The hotspot's token there is a phone's."""
    editor = Device(id=BOX.id.replace("b0", "b1"), name="Editor", role="editor")
    await pair.server.add_device(editor, hash_token("editor"))
    await publish(pair, tmp_path, *TEXTS)
    await pair.hub.approve("other")
    stranger = Upstream(pair.upstream._session, pair.upstream._url, "editor", pair.clock)
    known, pair.upstream = pair.upstream, stranger
    await pair.synced()
    (approval,) = await pair.hub.approvals()
    assert approval.reason is not None
    assert "by the server only" in approval.reason
    assert (await pair.synced()).requests == 1
    pair.upstream = known
    await pair.hub.approve("other")
    await pair.synced()
    assert await there(pair.server) == versions(*TEXTS)


async def test_a_server_without_digests_gets_all_and_keeps_its_own(
    pair: Pair, tmp_path: Path
) -> None:
    theirs = edited(TEXTS[2], "Theirs", "2026-11-22T09:00:00.000Z")
    await pair.server.seed([TEXTS[0], theirs])
    await publish(pair, tmp_path, *TEXTS)
    await pair.hub.approve("other")
    pair.trouble.missing = {"digest"}
    await pair.synced()
    assert len(await there(pair.server)) == 2, "the time is not known here yet"
    await pair.synced()
    assert await there(pair.server) == versions(TEXTS[0], TEXTS[1], theirs, *TEXTS[3:])


@pytest.mark.parametrize("synced_first", [True, False])
async def test_verses_that_the_server_has_under_other_ids_are_these_and_timings_follow(
    pair: Pair, tmp_path: Path, synced_first: bool
) -> None:
    theirs, ours = TEXTS[1], renamed(TEXTS[1], "a" * 8 + TEXTS[1].id[8:])
    values = {**timing(1, 0.5).values, "verse_text_id": ours.id}
    pointing = records.make(timing(1, 0.5), T0, values)
    await pair.server.seed([version_row(OTHER_TEXT), theirs])
    await publish(pair, tmp_path, TEXTS[0], ours, version_row(AUDIO), media_file(1), pointing)
    if synced_first:
        await pair.synced()
    await pair.hub.approve("other")
    await pair.synced()
    await pair.synced()
    led = await pair.at_server(pointing.key)
    assert (led.values["verse_text_id"], led.updated_at) == (theirs.id, T0)
    assert (await pair.at_hub(pointing.key)).version == led.version
    assert (await pair.at_hub(ours.key)).deleted
    assert (await pair.at_hub(theirs.key)).version == theirs.version
    assert ours.key not in await there(pair.server)
    assert await pair.server.losers() == []
