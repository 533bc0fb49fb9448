"""How all hotspots are, for those who look after the server: `model.fleet.FleetReport`."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from asyncpg import Connection, Pool
from asyncpg import Record as Row

from hotspot.errors import PositionGone, TryLater
from hotspot.model import health, positions
from hotspot.model.box import BoxReport
from hotspot.model.fleet import BEHIND_LIMIT, Box, FleetHealth, FleetReport, fleet_alerts
from hotspot.model.health import Alert
from hotspot.upstream import downloads
from hotspot.upstream.database import away_is_try_later

log = logging.getLogger(__name__)

WATCH_EVERY_S = 60.0

_BOXES = """
WITH failed AS (
  SELECT device_id, count(*) AS sessions,
    (array_agg(error_message ORDER BY started_at DESC))[1] AS reason
  FROM sync_sessions WHERE status = 'failed' AND started_at > now() - interval '1 day'
  GROUP BY device_id
)
SELECT d.id::text AS device_id, d.name, d.role, canonical(f.seen_at) AS seen_at,
  canonical(f.in_step_at) AS in_step_at, f.positions, f.report,
  canonical(f.reported_at) AS reported_at, coalesce(x.sessions, 0) AS failed,
  x.reason AS last_failure
FROM devices d
LEFT JOIN fleet f ON f.device_id = d.id
LEFT JOIN failed x ON x.device_id = d.id::text
WHERE d.role = 'hotspot' AND d.revoked_at IS NULL
ORDER BY d.name, d.id
"""
_BEHIND = f"""
SELECT p.device_id::text AS device_id, least(sum((
  SELECT count(*) FROM (
    SELECT FROM change_log l
    WHERE l.scope = p.scope AND (l.xid, l.seq) > (p.xid, p.seq) LIMIT {BEHIND_LIMIT}) n
)), {BEHIND_LIMIT})::bigint AS changes
FROM unnest($1::uuid[], $2::text[], $3::xid8[], $4::bigint[]) AS p(device_id, scope, xid, seq)
GROUP BY p.device_id
"""
_HEALTH = """
SELECT canonical(clock_timestamp()) AS now, (SELECT epoch FROM sync_epoch) AS epoch,
  pg_database_size(current_database()) AS database_bytes,
  count(*) FILTER (WHERE status = 'failed') AS failed_syncs,
  (avg(extract(epoch FROM completed_at - started_at)) FILTER (WHERE status = 'completed'))::float8
    AS average_sync_time,
  (SELECT count(*) FROM losing_versions WHERE lost_at > now() - interval '1 day')::float8
    / greatest(coalesce(sum(changes_uploaded), 0), 1) AS conflict_rate,
  (
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8
    FROM pg_stat_activity WHERE backend_xid IS NOT NULL
  ) AS horizon_age_seconds
FROM sync_sessions WHERE started_at > now() - interval '1 day'
"""


async def watch(pool: Pool) -> None:
    """Looks again and again until cancelled."""
    known: Sequence[Alert] = ()
    while True:
        try:
            known = await look(pool, known)
        except TryLater as error:
            log.warning("How the hotspots are is not known: %s", error)
        await asyncio.sleep(WATCH_EVERY_S)


async def look(pool: Pool, known: Sequence[Alert]) -> Sequence[Alert]:
    """Logs what began and what ended since the alerts `known`; those of now. Raises TryLater."""
    with away_is_try_later():
        async with pool.acquire() as connection:
            found = (await fleet_report(connection)).alerts
    change = health.compare(known, found)
    for alert in change.begun:
        log.warning("%s", alert.message)
    for alert in change.ended:
        log.info("This is over: %s", alert.message)
    return found


async def fleet_report(connection: Connection) -> FleetReport:
    """All hotspots that were not revoked, of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        found = await connection.fetchrow(_HEALTH)
        rows = await connection.fetch(_BOXES)
        assert found is not None
        counted = await downloads.by_package(connection)
        behind = await _behind(connection, found["epoch"], rows)
    boxes = [_box(row, behind.get(row["device_id"])) for row in rows]
    over_all = _health(found, [box.report for box in boxes if box.report is not None])
    told = fleet_alerts(over_all, boxes, found["now"])
    return FleetReport(over_all, boxes, told, counted, found["database_bytes"])


def _health(found: Row, reports: Sequence[BoxReport]) -> FleetHealth:
    oldest = (one.oldest_pending_sync for one in reports if one.oldest_pending_sync is not None)
    return FleetHealth(
        pending_packages=sum(one.pending_packages for one in reports),
        failed_syncs=found["failed_syncs"],
        oldest_pending_sync=min(oldest, default=None),
        average_sync_time=found["average_sync_time"],
        conflict_rate=found["conflict_rate"],
        horizon_age_seconds=found["horizon_age_seconds"],
    )


def _box(row: Row, behind: int | None) -> Box:
    values: dict[str, Any] = dict(row.items())
    del values["positions"]
    encoded = values.pop("report")
    report = msgspec.json.decode(encoded, type=BoxReport) if encoded is not None else None
    return Box(**values, report=report, behind=behind)


async def _behind(connection: Connection, epoch: str, rows: Sequence[Row]) -> Mapping[str, int]:
    """How many changes each device has not been served, where that is known."""
    places: dict[str, Sequence[tuple[object, ...]]] = {}
    for row in rows:
        told = msgspec.json.decode(row["positions"] or "{}", type=dict[str, str])
        if row["in_step_at"] is not None or told:
            with suppress(PositionGone):
                places[row["device_id"]] = [
                    (row["device_id"], scope, *positions.decode(epoch, token, (int, int)))
                    for scope, token in told.items()
                ]
    listed = [place for of_one in places.values() for place in of_one]
    columns = [[place[number] for place in listed] for number in range(4)]
    counted = await connection.fetch(_BEHIND, *columns)
    return dict.fromkeys(places, 0) | {row["device_id"]: row["changes"] for row in counted}
