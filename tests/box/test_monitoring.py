"""What those who watch a hotspot see: the report, the metrics and the log."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hotspot.box.monitoring import alerts_of, sync_metrics
from hotspot.config import Config
from hotspot.control.operations import perform
from hotspot.daemon import Core, open_core
from hotspot.model import instants
from hotspot.model.health import FAILURES_COUNT_MS
from hotspot.model.sessions import SessionLog
from hotspot.printing import reports
from tests.support.packages import text_package

REPORT: dict[str, Any] = {
    "packages": 3,
    "pending": 2,
    "conflicts": 1,
    "pendingPackages": 1,
    "failedSyncs": 4,
    "oldestPendingSync": "2026-11-22T10:00:00.000Z",
    "averageSyncTime": 0.25,
    "conflictRate": 0.5,
}


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """Two packages."""
    text_package(tmp_path / "stick", "another")
    return text_package(tmp_path / "stick").parent


@pytest.fixture
async def core(tmp_path: Path, stick: Path) -> AsyncIterator[Core]:
    """A hotspot with two packages, each of which the log of a session names."""
    config = Config(
        data_dir=tmp_path / "data",
        drives_folder=tmp_path / "sticks",
        upstream_url="http://127.0.0.1:9",
        upstream_token="token",
    )
    async with open_core(config) as core:
        await core.importer.import_folder(stick)
        yield core


async def fail_sessions(core: Core, count: int, age_ms: int) -> None:
    """Sessions that failed, the last of them so long ago."""
    for number in range(count):
        at = instants.later(core.clock.now(), -age_ms - 1_000 * number)
        log = SessionLog(started_at=at, completed_at=at, changes={}, error="It was cut off.")
        await core.store.log_session(log)


def values(report: dict[str, Any], now: str) -> dict[str, list[float]]:
    return {
        metric.name: [sample.value for sample in metric.samples]
        for metric in sync_metrics(report, now)
    }


def test_the_report_as_metrics() -> None:
    assert values(REPORT, "2026-11-22T10:01:30.500Z") == {
        "hotspot_packages": [3],
        "hotspot_pending_packages": [1],
        "hotspot_pending_edits": [2],
        "hotspot_conflicts": [1],
        "hotspot_conflict_ratio": [0.5],
        "hotspot_failed_syncs": [4],
        "hotspot_oldest_pending_age_seconds": [90.5],
        "hotspot_sync_seconds_average": [0.25],
    }


def test_nothing_waits_and_nothing_was_synced_yet() -> None:
    report = {**REPORT, "oldestPendingSync": None, "averageSyncTime": None}
    found = values(report, "2026-11-22T10:01:30.500Z")
    assert found["hotspot_oldest_pending_age_seconds"] == [0]
    assert found["hotspot_sync_seconds_average"] == []


def test_an_edit_from_ahead_of_the_clock_is_not_older_than_now() -> None:
    assert values(REPORT, "2026-11-22T09:00:00.000Z")["hotspot_oldest_pending_age_seconds"] == [0]


def test_without_a_server_nothing_waits_for_it() -> None:
    report = {**REPORT, "pendingPackages": 101}
    assert [alert.code for alert in alerts_of(report, follows=True)] == ["pending_packages"]
    assert alerts_of(report, follows=False) == ()


async def test_failed_sessions_count_once_each_for_a_day(core: Core) -> None:
    await fail_sessions(core, 2, 1_000)
    await fail_sessions(core, 1, FAILURES_COUNT_MS + 60_000)
    assert (await core.store.sync_health())["failedSyncs"] == 2


async def test_an_alert_stands_in_the_status(core: Core) -> None:
    assert (await perform(core.operations, "status", {}))["alerts"] == []
    await fail_sessions(core, 11, 1_000)
    status = await perform(core.operations, "status", {})
    (alert,) = status["alerts"]
    assert alert["code"] == "failed_syncs"
    assert f"Alert: {alert['message']}" in reports.status(status)


async def test_a_change_is_logged_once(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hotspot.box.monitoring")
    caplog.clear()
    await core.monitor.look()
    assert caplog.records == []
    await fail_sessions(core, 11, 1_000)
    await core.monitor.look()
    await fail_sessions(core, 1, 60_000)
    await core.monitor.look()
    (began,) = caplog.records
    assert (began.levelno, "11 sessions" in began.message) == (logging.WARNING, True)
    core.clock.learn(instants.later(core.clock.now(), 2 * FAILURES_COUNT_MS))
    await core.monitor.look()
    await core.monitor.look()
    _, ended = caplog.records
    assert (ended.levelno, "This is over" in ended.message) == (logging.INFO, True)
