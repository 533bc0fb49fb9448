"""Who came to the server, and what their sessions moved: `model.fleet.Visits` in PostgreSQL."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import msgspec
from asyncpg import Connection
from msgspec.structs import replace

from hotspot.clock import Clock
from hotspot.errors import TryLater
from hotspot.model.box import BoxReport
from hotspot.model.downloads import DownloadCount
from hotspot.model.fleet import Served, Traffic
from hotspot.model.stores import Device
from hotspot.upstream import downloads
from hotspot.upstream.database import away_is_try_later

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 30.0
IDLE = "10 minutes"
"""A session of which nothing was heard for so long was broken off."""
TEXT_LIMIT = 500
"""Characters that are kept of a text in a report."""

# Losing the last moment of these counts with the machine costs less than a flush for each page.
_UNFLUSHED = "SET LOCAL synchronous_commit = off"
_MOVED = """
INSERT INTO sync_sessions AS s (id, user_id, device_id, package_id, changes_uploaded,
  changes_downloaded, status, completed_at)
SELECT $1, d.user_id, d.id::text, $3, $4, $5,
  CASE WHEN $6 THEN 'completed' ELSE 'active' END, CASE WHEN $6 THEN now() END
FROM devices d WHERE d.id = $2
ON CONFLICT (id) DO UPDATE SET
  changes_uploaded = s.changes_uploaded + excluded.changes_uploaded,
  changes_downloaded = s.changes_downloaded + excluded.changes_downloaded,
  last_active_at = now(), error_message = NULL,
  status = CASE WHEN 'completed' IN (s.status, excluded.status) THEN 'completed' ELSE 'active' END,
  completed_at = CASE WHEN 'completed' IN (s.status, excluded.status) THEN now() END
WHERE s.device_id = excluded.device_id
"""
_ENDED = """
UPDATE sync_sessions SET status = 'completed', completed_at = now(), last_active_at = now(),
  error_message = NULL
WHERE id = $1 AND device_id = $2 AND status <> 'completed'
"""
_BROKEN_OFF = f"""
UPDATE sync_sessions SET status = 'failed', completed_at = last_active_at,
  error_message = 'The session was broken off.'
WHERE status = 'active' AND last_active_at < now() - interval '{IDLE}'
"""
_SEEN = """
INSERT INTO fleet AS f (device_id, seen_at, in_step_at, positions, report, reported_at)
SELECT d.id, n.seen_at, n.in_step_at, n.positions, n.report,
  CASE WHEN n.report IS NOT NULL THEN n.seen_at END
FROM json_to_recordset($1::json) AS n(
  device_id uuid, seen_at timestamptz, in_step_at timestamptz, positions jsonb, report jsonb)
JOIN devices d ON d.id = n.device_id
ORDER BY d.id
ON CONFLICT (device_id) DO UPDATE SET
  seen_at = greatest(f.seen_at, excluded.seen_at),
  in_step_at = coalesce(excluded.in_step_at, f.in_step_at),
  positions = CASE WHEN excluded.report IS NULL THEN f.positions ELSE '{}' END
    || excluded.positions,
  report = coalesce(excluded.report, f.report),
  reported_at = coalesce(excluded.reported_at, f.reported_at)
"""


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written of one device, as _SEEN reads it."""

    device_id: str
    seen_at: str
    in_step_at: str | None = None
    positions: dict[str, str] = {}
    report: BoxReport | None = None


class Fleet:
    """Writes what sessions move at once, and who was seen in batches.

    `pool`: connections of its own, so that counting holds up no request.
    """

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._waiting: dict[str, _Seen] = {}

    def seen(self, device: Device, served: Served) -> None:
        """Remembers it until the next flush."""
        now = self._clock.now()
        before = self._waiting.get(device.id, _Seen(device_id=device.id, seen_at=now))
        kept = before.positions if served.report is None else {}
        self._waiting[device.id] = replace(
            before,
            seen_at=now,
            in_step_at=now if served.in_step else before.in_step_at,
            positions={**kept, **served.positions},
            report=before.report if served.report is None else _bounded(served.report),
        )

    async def moved(self, device: Device, traffic: Traffic) -> None:
        """Counts what one request moved; the first change of a session opens it.

        A request is answered also where this cannot be written.
        """
        try:
            async with self._connection() as connection:
                await _count(connection, device, traffic)
        except TryLater as error:
            log.warning("A session was not counted: %s", error)

    async def downloaded(self, device: Device, counts: Sequence[DownloadCount]) -> None:
        """Keeps what a hotspot counted. A request is answered also where this cannot be written:
        a day is told again as soon as somebody downloads the same on it."""
        try:
            async with self._connection() as connection:
                await downloads.keep(connection, device.id, counts)
        except TryLater as error:
            log.warning("Downloads were not counted: %s", error)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with away_is_try_later():
            async with self._pool.acquire() as connection:
                yield connection

    async def flush(self) -> None:
        """Writes who was seen, in one statement; nothing where nobody was."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        encoded = msgspec.json.encode(list(waiting.values())).decode()
        try:
            async with self._connection() as connection:
                await connection.execute(_SEEN, encoded)
        except BaseException:
            self._waiting = {**waiting, **self._waiting}
            raise

    async def sweep(self) -> None:
        """Ends, as failed, the sessions that were broken off; removes what is too old."""
        async with self._connection() as connection:
            await connection.execute(_BROKEN_OFF)
            await downloads.forget_old(connection)

    async def run(self) -> None:
        """Flushes and sweeps now and then until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY_S)
                await self._write()
        finally:
            await self._write()

    async def _write(self) -> None:
        try:
            await self.flush()
            await self.sweep()
        except TryLater as error:
            log.warning("Who was seen is not written yet: %s", error)


async def _count(connection: Connection, device: Device, traffic: Traffic) -> None:
    if not traffic.uploaded and not traffic.downloaded:
        await connection.execute(_ENDED, traffic.session_id, device.id)
        return
    async with connection.transaction():
        await connection.execute(_UNFLUSHED)
        await connection.execute(
            _MOVED,
            traffic.session_id,
            device.id,
            traffic.package_id,
            traffic.uploaded,
            traffic.downloaded,
            traffic.ended,
        )


def _bounded(report: BoxReport) -> BoxReport:
    """A stranger's texts, cut to a length and without what no database text may have; downloads
    have rows of their own."""
    return replace(
        report,
        version=_text(report.version),
        oldest_pending_sync=_text(report.oldest_pending_sync or "") or None,
        last_error=_text(report.last_error or "") or None,
        downloads=(),
    )


def _text(text: str) -> str:
    return text.replace("\x00", "")[:TEXT_LIMIT]
