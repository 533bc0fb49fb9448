"""Sessions counted, hotspots seen, and what of it is told to a person."""

import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from hotspot.model.box import BoxReport
from hotspot.model.fleet import Box, FleetReport
from hotspot.upstream import devices, epochs
from hotspot.upstream.watching import fleet_report, look
from tests.contract.opened import DEVICE, T2, edited, verse
from tests.upstream.serving import BOX, REPORT, TOKEN, Hub, Server, hotspot, running


@pytest.fixture
async def server(url: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(url, tmp_path) as server:
        yield server


@pytest.fixture
async def hub(server: Server, tmp_path: Path) -> AsyncIterator[Hub]:
    async with hotspot(server, tmp_path) as hub:
        yield hub


async def sessions(sql: asyncpg.Connection) -> list[tuple[Any, ...]]:
    rows = await sql.fetch(
        "SELECT changes_uploaded, changes_downloaded, status, error_message,"
        " completed_at >= started_at FROM sync_sessions ORDER BY started_at"
    )
    return [tuple(row) for row in rows]


async def report(server: Server) -> FleetReport:
    await server.fleet.flush()
    async with server.pool.acquire() as connection:
        return await fleet_report(connection)


async def box(server: Server) -> Box:
    (one,) = (await report(server)).hotspots
    return one


async def written(sql: asyncpg.Connection) -> int:
    """The next number that a transaction which writes will get."""
    return int(await sql.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())"))


async def post(server: Server, path: str, body: Any, **headers: str) -> Any:
    given = {"Authorization": f"Bearer {TOKEN}", **headers}
    url = f"{server.url}/functions/v1/sync/{path}"
    async with server.http.post(url, json=body, headers=given) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_a_session_is_counted_from_its_first_change_to_its_end(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    await hub.edit(*(edited(verse(n), "here", T2) for n in (1, 2, 3)))
    await server.edit(*(edited(verse(n), "there", T2) for n in (4, 5)))
    await hub.sync()
    assert await sessions(sql) == [(3, 2, "completed", None, True)]
    row = await sql.fetchrow("SELECT user_id::text, device_id FROM sync_sessions")
    assert row is not None
    assert tuple(row) == (BOX.id, BOX.id)


async def test_each_session_is_a_row_of_its_own(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    for text in ("one", "two"):
        await server.edit(edited(verse(1), text, T2))
        await hub.sync()
    assert [row[:3] for row in await sessions(sql)] == [(0, 1, "completed")] * 2


async def test_polls_that_bring_nothing_write_nothing(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    await server.fleet.flush()
    before = await written(sql)
    for _ in range(3):
        assert (await hub.sync()).requests == 1
    assert await written(sql) == before
    await server.fleet.flush()
    assert await written(sql) == before + 1
    await server.fleet.flush()
    assert await written(sql) == before + 1
    assert await sessions(sql) == []


async def test_a_batch_that_comes_again_is_counted_once(
    sql: asyncpg.Connection, server: Server
) -> None:
    session = str(uuid4())
    change = {"table": "verse_texts", "recordId": verse(1).id, "record": {"verse_text": "New"}}
    body = {"batchId": "b", "changes": [change], "syncSessionId": session}
    for _ in range(2):
        await post(server, "upload", body)
    assert [row[:3] for row in await sessions(sql)] == [(1, 0, "active")]
    await post(server, "upload", {**body, "batchId": "c"}, **{"X-Sync-Session": str(uuid4())})
    assert await sql.fetchval("SELECT count(*) FROM sync_sessions") == 1


async def test_what_is_no_session_is_answered_and_not_counted(
    sql: asyncpg.Connection, server: Server
) -> None:
    scopes = [{"textVersionId": verse(1).values["text_version_id"]}]
    for body in ({"syncSessionId": "7"}, {"syncSessionId": ""}, {}):
        assert len((await post(server, "changes", {"scopes": scopes, **body}))["changes"]) == 6
    asked = {"scopes": scopes, "syncSessionId": str(uuid4())}
    assert await post(server, "changes", asked, Authorization="Bearer wrong")
    assert await sessions(sql) == []


async def test_nobody_counts_into_the_session_of_another(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    await server.edit(edited(verse(1), "there", T2))
    await hub.sync()
    (session,) = await sql.fetchrow("SELECT id::text FROM sync_sessions")
    await devices.add_device(sql, DEVICE, "0" * 64)
    await sql.execute("UPDATE sync_sessions SET status = 'active', device_id = $1", DEVICE.id)
    scopes = [{"textVersionId": verse(1).values["text_version_id"]}]
    await post(server, "changes", {"scopes": scopes, "syncSessionId": session, "sessionEnd": True})
    assert [row[:3] for row in await sessions(sql)] == [(0, 1, "active")]


async def test_a_session_that_was_broken_off_fails_after_a_time(
    sql: asyncpg.Connection, server: Server
) -> None:
    session, scopes = str(uuid4()), [{"textVersionId": verse(1).values["text_version_id"]}]
    page = {"scopes": scopes, "maxChanges": 2, "syncSessionId": session, "sessionEnd": True}
    token = (await post(server, "changes", page))["scopes"][0]["nextToken"]
    await server.fleet.sweep()
    assert [row[:3] for row in await sessions(sql)] == [(0, 2, "active")]
    await sql.execute("UPDATE sync_sessions SET last_active_at = now() - interval '11 minutes'")
    await sql.execute("UPDATE sync_sessions SET started_at = now() - interval '12 minutes'")
    await server.fleet.sweep()
    assert await sessions(sql) == [(0, 2, "failed", "The session was broken off.", True)]
    scopes[0]["nextToken"] = token
    await post(server, "changes", {**page, "maxChanges": 100})
    assert await sessions(sql) == [(0, 6, "completed", None, True)]


async def test_analytics_are_what_anyone_would_count(
    sql: asyncpg.Connection, server: Server
) -> None:
    made = random.Random(7)
    days: defaultdict[object, list[tuple[str, int, float | None]]] = defaultdict(list)
    for _ in range(300):
        began = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=made.randrange(5 * 1440))
        status = made.choice(["active", "completed", "failed"])
        seconds = None if status == "active" else made.uniform(0, 900)
        up, down = made.randrange(500), made.randrange(500)
        ended = None if seconds is None else began + timedelta(seconds=seconds)
        await sql.execute(
            "INSERT INTO sync_sessions (user_id, device_id, started_at, completed_at, status,"
            " changes_downloaded, changes_uploaded)"
            " VALUES ($1::uuid, $1::uuid::text, $2, $3, $4, $5, $6)",
            UUID(BOX.id), began, ended, status, down, up,
        )  # fmt: skip
        days[began.date()].append((status, up + down, seconds))
    await sql.execute("SET timezone = 'Pacific/Auckland'")
    found = await sql.fetch("SELECT * FROM sync_analytics")
    assert [row["sync_date"] for row in found] == sorted(days, reverse=True)  # type: ignore[type-var]
    for row in found:
        day = days[row["sync_date"]]
        lasted = [seconds for _, _, seconds in day if seconds is not None]
        assert row["total_syncs"] == len(day)
        assert float(row["avg_changes"]) == pytest.approx(sum(n for _, n, _ in day) / len(day))
        assert row["successful_syncs"] == sum(status == "completed" for status, _, _ in day)
        assert row["failed_syncs"] == sum(status == "failed" for status, _, _ in day)
        assert float(row["avg_duration_seconds"]) == pytest.approx(
            sum(lasted) / len(lasted), abs=1e-5
        )


async def test_a_hotspot_is_told_of_with_what_it_says(server: Server, hub: Hub) -> None:
    found = await report(server)
    (one,) = found.hotspots
    assert (one.name, one.behind, one.report) == (BOX.name, 0, REPORT)
    assert one.seen_at == one.in_step_at == one.reported_at
    assert {alert.code for alert in found.alerts} == {"disk", "undervoltage"}
    assert all(BOX.name in alert.message for alert in found.alerts)


async def test_how_far_a_hotspot_is_behind(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    await server.edit(*(edited(verse(n), "there", T2) for n in (1, 2, 3)))
    assert (await box(server)).behind == 3
    await hub.sync(None)
    assert (await box(server)).behind == 0
    await epochs.renew(sql)
    assert (await box(server)).behind is None
    await hub.sync()
    assert (await box(server)).behind == 0


async def test_a_hotspot_that_was_never_here_and_one_that_may_not_come(
    sql: asyncpg.Connection, server: Server
) -> None:
    assert ((await box(server)).seen_at, (await report(server)).alerts) == (None, [])
    await sql.execute("UPDATE devices SET revoked_at = now()")
    assert (await report(server)).hotspots == []


async def test_a_hotspot_without_packages_is_seen(server: Server, hub: Hub, tmp_path: Path) -> None:
    await hub.store.remove_package("eng-kjv")
    await hub.sync(BoxReport(version="2"))
    told = (await box(server)).report
    assert told is not None
    assert told.version == "2"


async def test_failed_sessions_are_told_with_their_reason(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    await sql.execute(
        "INSERT INTO sync_sessions (user_id, device_id, status, error_message)"
        " SELECT $1::uuid, $1::uuid::text, 'failed', 'Broken off.' FROM generate_series(1, 11)",
        UUID(BOX.id),
    )
    found = await report(server)
    (one,) = found.hotspots
    assert (one.failed, one.last_failure, found.health.failed_syncs) == (11, "Broken off.", 11)
    codes = [alert.code for alert in found.alerts]
    assert ("failing" in codes, "failed_syncs" in codes) == (True, True)


async def test_a_strangers_report_is_kept_within_bounds(server: Server) -> None:
    report = {"version": "1\x00" + "x" * 10_000, "lastError": "\x00"}
    await post(server, "changes", {"scopes": [], "report": report})
    told = (await box(server)).report
    assert told is not None
    assert (len(told.version), told.version[:3], told.last_error) == (500, "1xx", None)


async def test_who_was_seen_is_kept_until_it_is_written(
    sql: asyncpg.Connection, server: Server, hub: Hub
) -> None:
    await sql.execute("ALTER TABLE fleet RENAME TO away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await server.fleet.flush()
    await sql.execute("ALTER TABLE away RENAME TO fleet")
    assert (await box(server)).report == REPORT


async def test_alerts_are_logged_when_they_begin_and_when_they_end(
    server: Server, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "hotspot.upstream.watching")
    await server.fleet.flush()
    known = await look(server.pool, ())
    assert [record.levelname for record in told(caplog)] == ["WARNING"] * 2
    assert {alert.about for alert in known} == {BOX.id}
    caplog.clear()
    assert await look(server.pool, known) == known
    assert told(caplog) == []
    await hub.sync(replace(REPORT, undervoltage=False))
    await server.fleet.flush()
    await look(server.pool, known)
    (ended,) = told(caplog)
    assert ended.getMessage().startswith("This is over: Village box")


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged of alerts."""
    return [one for one in caplog.records if one.name == "hotspot.upstream.watching"]


async def test_the_pages_for_programs(server: Server, hub: Hub) -> None:
    await server.fleet.flush()
    async with server.http.get(f"{server.url}/metrics") as answer:
        page = await answer.text()
    label = f'{{device="{BOX.id}"}}'
    assert f"hotspot_upstream_hotspot_pending_edits{label} 4\n" in page
    assert f"hotspot_upstream_hotspot_behind_changes{label} 0\n" in page
    assert 'hotspot_upstream_alerts{code="undervoltage"} 1\n' in page
    assert BOX.name not in page
    async with server.http.get(f"{server.url}/functions/v1/sync/health") as answer:
        health = await answer.json()
    assert (health["hotspots"], health["alerts"]) == (1, {"disk": 1, "undervoltage": 1})
