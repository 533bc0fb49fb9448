"""How syncing goes, in numbers for a person."""

from typing import Any

from hotspot.model import instants
from hotspot.model.health import FAILURES_COUNT_MS
from hotspot.store.part import Part

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
