"""How syncing goes, in numbers for a person."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from hotspot.model import instants
from hotspot.model.health import FAILURES_COUNT_MS
from hotspot.store import doubt
from hotspot.store.damage import damage
from hotspot.store.part import Part

log = logging.getLogger(__name__)

_HEALTH = """
SELECT
  (SELECT count(*) FROM local_packages),
  (SELECT count(*) FROM record_sync_status WHERE sync_status = 'pending'),
  (SELECT count(*) FROM record_sync_status WHERE sync_status = 'conflict'),
  (SELECT count(*) FROM local_packages WHERE sync_status IN ('pending', 'failed')),
  (SELECT count(DISTINCT started_at) FROM sync_log WHERE status = 'failed' AND started_at >= ?),
  (SELECT min(local_updated_at) FROM record_sync_status WHERE sync_status = 'pending'),
  (SELECT avg(julianday(completed_at) - julianday(started_at)) * 86400
   FROM sync_log WHERE status = 'completed'),
  (SELECT count(*) FROM record_sync_status),
  (SELECT count(*) FROM record_sync_status s JOIN feed_positions f USING (scope_kind, scope_id)
   WHERE s.sync_status = 'pending' AND f.known = 0)
"""


class Health(Part):
    """The sync health report."""

    @property
    def epoch(self) -> str:
        """Names this life of the store: another box, or a database begun anew, has another."""
        return self._database.epoch

    async def rebuilt(self) -> str | None:
        """What happened, in a sentence, where this database took the place of a damaged one."""
        rows = await self._database.read("SELECT value FROM meta WHERE key = 'rebuilt'")
        return rows[0][0] if rows else None

    async def is_damaged(self, after_s: float) -> bool:
        """Reads the whole database, after `after_s` or as soon as there is a doubt about it.

        If it is damaged, that is noted for the next start, which mends it. A card that takes no
        note goes on serving what it can.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await self._database.doubted.wait()
        self._database.doubted.clear()
        path = self._database.path
        fault = await asyncio.to_thread(damage, path, thorough=True)
        if fault is None:
            return False
        log.error("The database is damaged: %s.", fault)
        try:
            await asyncio.to_thread(doubt.note, path)
        except OSError as error:
            log.error("It cannot be mended: %s.", error.strerror)
            return False
        return True

    @property
    def blocked(self) -> str | None:
        """Why nothing can be written, in a sentence, since a write failed for it."""
        return self._database.writer.blocked

    async def sync_health(self) -> dict[str, Any]:
        """Counts of what is here, waits, failed; `averageSyncTime` in seconds.

        `pendingUnknown`: edits among the pending ones that wait until the upstream knows their
        version. `failedSyncs`: sessions, of whatever packages, that failed in the last day.
        """
        since = instants.later(self._clock.now(), -FAILURES_COUNT_MS)
        (
            (packages, pending, conflicts, waiting, failed, oldest, average, edited, unknown),
        ) = await self._database.read(_HEALTH, (since,))
        return {
            "packages": packages,
            "pending": pending,
            "pendingUnknown": unknown,
            "conflicts": conflicts,
            "pendingPackages": waiting,
            "failedSyncs": failed,
            "oldestPendingSync": oldest,
            "averageSyncTime": average,
            "conflictRate": conflicts / edited if edited else 0.0,
        }
