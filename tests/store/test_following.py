"""What the client half follows: positions, versions that wait, and the log of its sessions."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from hotspot.model.merge import Mark, Outcome
from hotspot.model.sessions import SessionLog
from hotspot.model.stores import Position
from hotspot.model.tables import Scope
from hotspot.store import following
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    OTHER_TEXT,
    T0,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    verse,
    version_row,
)
from tests.store.support import bring, change, package, query, staging


@pytest.fixture
async def store(store: HotspotStore, tmp_path: Path) -> HotspotStore:
    """Two packages: one of TEXT, one of OTHER_TEXT and AUDIO."""
    rows = [version_row(TEXT), version_row(OTHER_TEXT), version_row(AUDIO), verse(1)]
    file = staging(tmp_path / "staging", rows)
    await store.publish(package("one"), file, T0)
    await store.publish(package("two", text=OTHER_TEXT.id, audio_version=AUDIO.id), file, T0)
    return store


def log(changes: dict[Scope, int] | None = None, error: str | None = None) -> SessionLog:
    return SessionLog(started_at=T1, completed_at=T2, changes=changes or {}, error=error)


async def followed(store: HotspotStore, scope: Scope) -> Position:
    (found,) = [one for one in await store.positions() if one.scope == scope]
    return found


async def read_to(store: HotspotStore, position: Position, token: str) -> None:
    """Keeps that the feed was read to its end."""
    moved = replace(position, token=token, comparing=False)
    await store.write_replica(lambda tx: tx.set_positions([moved]))


async def test_every_version_held_is_followed_from_its_start(store: HotspotStore) -> None:
    positions = await store.positions()
    assert {one.scope for one in positions} == {TEXT, OTHER_TEXT, AUDIO}
    assert len(positions) == 3
    assert all(one.unread and one.known for one in positions)


async def test_a_version_is_followed_while_edits_of_it_wait(store: HotspotStore) -> None:
    """Also when nobody has its package any more: otherwise they would wait for ever."""
    await accept(store, accepted(verse(1), None))
    for package_id in ("one", "two"):
        await store.remove_package(package_id)
    assert [position.scope for position in await store.positions()] == [TEXT]


async def test_positions_are_kept_with_what_they_lead_to(store: HotspotStore) -> None:
    moved = [
        replace(await followed(store, TEXT), token="token", comparing=False),
        replace(await followed(store, AUDIO), token="other"),
    ]
    await store.write_replica(lambda tx: tx.set_positions(moved))
    assert set(await store.positions()) == {*moved, await followed(store, OTHER_TEXT)}
    assert (await followed(store, OTHER_TEXT)).unread


async def test_after_a_new_epoch_all_is_read_anew(store: HotspotStore) -> None:
    await read_to(store, await followed(store, TEXT), "token")
    assert not (await followed(store, TEXT)).unread
    await store.forget_positions()
    assert (await followed(store, TEXT)).unread


async def test_a_package_that_brings_no_row_goes_on_where_the_feed_was(
    store: HotspotStore, tmp_path: Path
) -> None:
    await read_to(store, await followed(store, TEXT), "token")
    await store.publish(package("one", "2.0"), staging(tmp_path / "again", [verse(1)]), T2)
    assert (await followed(store, TEXT)).token == "token"


async def test_rows_of_another_package_have_to_be_compared(
    store: HotspotStore, tmp_path: Path
) -> None:
    """Also where the feed was being read when they came."""
    before = await followed(store, TEXT)
    await read_to(store, before, "token")
    await store.publish(package("one", "2.0"), staging(tmp_path / "again", [verse(2)]), T2)
    assert (await followed(store, TEXT)).unread
    await read_to(store, before, "later token")
    assert (await followed(store, TEXT)).unread
    await read_to(store, await followed(store, TEXT), "later token")
    assert (await followed(store, TEXT)).token == "later token"


async def test_edits_of_versions_that_the_upstream_lacks_wait(store: HotspotStore) -> None:
    await accept(store, accepted(verse(2)), accepted(verse(2, scope=OTHER_TEXT)))
    await store.mark_scopes(known=[AUDIO], unknown=[TEXT])
    waiting = [edit.record for edit in await store.pending_edits(10)]
    assert waiting == [verse(2, scope=OTHER_TEXT)]
    await store.mark_scopes(known=[TEXT], unknown=[])
    assert len(await store.pending_edits(10)) == 2


async def test_marking_what_is_marked_writes_nothing(store: HotspotStore, path: Path) -> None:
    await store.mark_scopes(known=[AUDIO, OTHER_TEXT], unknown=[TEXT])
    change(
        path,
        "CREATE TRIGGER no BEFORE UPDATE ON feed_positions"
        " BEGIN SELECT raise(ABORT, 'written'); END",
    )
    await store.mark_scopes(known=[AUDIO, OTHER_TEXT], unknown=[TEXT])
    await store.mark_scopes(known=[], unknown=[])


async def test_a_session_that_changed_something_is_logged_for_its_packages(
    store: HotspotStore, path: Path
) -> None:
    await store.log_session(log({OTHER_TEXT: 3, AUDIO: 4}))
    assert query(
        path,
        "SELECT package_id, sync_type, started_at, completed_at, status, changes_count,"
        " error_message FROM sync_log",
    ) == [("two", "incremental", T1, T2, "completed", 7, None)]
    assert query(
        path, "SELECT id, sync_status, last_synced_at FROM local_packages ORDER BY id"
    ) == [
        ("one", "synced", T2),
        ("two", "synced", T2),
    ]


async def test_a_session_with_nothing_to_say_is_not_logged(store: HotspotStore, path: Path) -> None:
    await store.log_session(log())
    assert query(path, "SELECT * FROM sync_log") == []
    assert query(path, "SELECT DISTINCT last_synced_at FROM local_packages") == [(T2,)]


async def test_a_failed_session_is_logged_for_every_package(
    store: HotspotStore, path: Path
) -> None:
    await store.log_session(log({TEXT: 5}, "The server hung up."))
    rows = "SELECT package_id, status, changes_count, error_message FROM sync_log ORDER BY 1"
    assert query(path, rows) == [
        ("one", "failed", 5, "The server hung up."),
        ("two", "failed", 0, "The server hung up."),
    ]
    assert query(path, "SELECT DISTINCT sync_status, last_synced_at FROM local_packages") == [
        ("failed", None)
    ]


async def test_a_package_says_what_its_records_wait_for(store: HotspotStore, path: Path) -> None:
    await accept(store, accepted(verse(2)), accepted(verse(2, scope=OTHER_TEXT)))
    disputed = verse(2, scope=OTHER_TEXT)
    outcome = Outcome(table=disputed.table, id=disputed.id, mark=Mark.CONFLICT)
    await store.write_replica(lambda tx: tx.settle([outcome], T1))
    await store.log_session(log())
    assert query(path, "SELECT id, sync_status FROM local_packages ORDER BY id") == [
        ("one", "pending"),
        ("two", "conflict"),
    ]


async def test_the_log_does_not_grow_for_ever(
    store: HotspotStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        following, "_FORGET_LOG", following._FORGET_LOG.replace(str(following.LOG_LENGTH), "6")
    )
    for n in range(5):
        await store.log_session(log(error=f"Failure {n}."))
    rows = query(path, "SELECT DISTINCT error_message FROM sync_log ORDER BY id")
    assert rows == [("Failure 2.",), ("Failure 3.",), ("Failure 4.",)]


async def test_edits_of_a_version_without_a_package_still_go_up(store: HotspotStore) -> None:
    await bring(store, version_row(TEXT))
    await store.remove_package("one")
    await accept(store, accepted(verse(9)))
    assert [edit.record for edit in await store.pending_edits(10)] == [verse(9)]


RUNNING = "SELECT package_id, status, started_at, completed_at FROM sync_log ORDER BY 1"


async def test_a_session_says_that_it_runs_once_for_each_package_it_touches(
    store: HotspotStore, path: Path
) -> None:
    await store.write_replica(lambda tx: tx.begin_log([OTHER_TEXT, AUDIO], T0))
    await store.write_replica(lambda tx: tx.begin_log([AUDIO], T1))
    assert query(path, RUNNING) == [("two", "running", T0, None)]
    await store.log_session(log({AUDIO: 4}))
    assert query(path, RUNNING) == [("two", "completed", T1, T2)]
    assert query(path, "SELECT changes_count FROM sync_log") == [(4,)]


async def test_a_failed_session_ends_what_it_began_and_logs_the_others(
    store: HotspotStore, path: Path
) -> None:
    await store.write_replica(lambda tx: tx.begin_log([TEXT], T0))
    await store.log_session(log({TEXT: 5}, "The server hung up."))
    rows = "SELECT package_id, status, started_at, changes_count FROM sync_log ORDER BY 1"
    assert query(path, rows) == [("one", "failed", T1, 5), ("two", "failed", T1, 0)]


async def test_what_is_set_aside_is_named_until_it_is_forgotten(
    store: HotspotStore, path: Path
) -> None:
    async def put_aside(number: int, at: str, raw: bytes = b"raw") -> None:
        key = verse(number).key
        await store.write_replica(lambda tx: tx.set_aside(key, raw, "Too long.", at))

    await put_aside(2, T1)
    await put_aside(1, T0)
    await put_aside(1, T2)
    assert await store.set_aside_keys(10) == [verse(1).key, verse(2).key], "no news, no write"
    await put_aside(1, T2, b"another")
    assert await store.set_aside_keys(1) == [verse(2).key]
    await store.write_replica(lambda tx: tx.forget_aside([verse(2).key, verse(3).key]))
    assert await store.set_aside_keys(10) == [verse(1).key]
