"""What the client half asks of the store beside its transactions."""

from collections.abc import Collection, Sequence

import aiosqlite
import msgspec

from hotspot.model.batches import OpenBatch, PendingEdit
from hotspot.model.merge import Sent
from hotspot.model.records import Key
from hotspot.model.sessions import SessionLog
from hotspot.model.stores import Position
from hotspot.model.tables import Scope, ScopeKind
from hotspot.store.part import Part
from hotspot.store.replica import pending_of
from hotspot.store.rows import as_json, fetch, read_rows

LOG_LENGTH = 5_000
"""The most rows that `sync_log` keeps; a hotspot that fails every minute must not fill its card."""

_PENDING = """
SELECT table_name, record_id, changed_by, sync_status, base_version
FROM record_sync_status s
WHERE sync_status = 'pending'
  AND NOT EXISTS (SELECT 1 FROM upload_batches b WHERE b.id = s.batch_id)
  AND NOT EXISTS (SELECT 1 FROM feed_positions f WHERE f.scope_kind = s.scope_kind
                  AND f.scope_id = s.scope_id AND f.known = 0)
ORDER BY edited_seq, id LIMIT ?
"""

# Also versions whose package was removed, while edits of them wait.
_POSITIONS = """
SELECT s.scope_kind, s.scope_id, f.token,
  coalesce(f.comparing, 1), coalesce(f.known, 1), coalesce(f.imports, 0)
FROM (
  SELECT scope_kind, scope_id FROM package_scopes
  UNION SELECT scope_kind, scope_id FROM record_sync_status
  WHERE sync_status = 'pending' AND scope_id IS NOT NULL
) s
LEFT JOIN feed_positions f USING (scope_kind, scope_id)
ORDER BY 1, 2
"""

_EDITED = """
SELECT table_name, record_id FROM record_sync_status
WHERE scope_kind = ? AND scope_id = ? AND sync_status <> 'pending' AND edited_seq > 0
ORDER BY record_id
"""

_MARK_SCOPES = """
INSERT INTO feed_positions (scope_kind, scope_id, known)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
ON CONFLICT (scope_kind, scope_id) DO UPDATE SET known = excluded.known
"""

_LOG = """
INSERT INTO sync_log (package_id, sync_type, started_at, completed_at, status, changes_count,
  error_message)
SELECT p.package_id, 'incremental', :started_at, :completed_at,
  iif(:error IS NULL, 'completed', 'failed'), coalesce(sum(c.value ->> 2), 0), :error
FROM package_scopes p
LEFT JOIN json_each(:changes) c
  ON c.value ->> 0 = p.scope_kind AND c.value ->> 1 = p.scope_id
WHERE (:error IS NOT NULL OR c.value IS NOT NULL) AND NOT EXISTS (
  SELECT 1 FROM sync_log r WHERE r.package_id = p.package_id AND r.status = 'running')
GROUP BY p.package_id
"""

_END_LOG = """
UPDATE sync_log SET started_at = :started_at, completed_at = :completed_at,
  status = iif(:error IS NULL, 'completed', 'failed'), error_message = :error,
  changes_count = (
    SELECT coalesce(sum(c.value ->> 2), 0)
    FROM package_scopes p JOIN json_each(:changes) c
      ON c.value ->> 0 = p.scope_kind AND c.value ->> 1 = p.scope_id
    WHERE p.package_id = sync_log.package_id)
WHERE status = 'running'
"""

_FORGET_LOG = f"DELETE FROM sync_log WHERE id <= (SELECT max(id) FROM sync_log) - {LOG_LENGTH}"

_STATUS_OF_SCOPES = """
EXISTS (SELECT 1 FROM package_scopes p JOIN record_sync_status s USING (scope_kind, scope_id)
        WHERE p.package_id = local_packages.id AND s.sync_status = '{status}')
"""

_CONCLUDE = f"""
UPDATE local_packages SET
  last_synced_at = iif(:error IS NULL, :completed_at, last_synced_at),
  updated_at = :completed_at,
  sync_status = CASE
    WHEN :error IS NOT NULL THEN 'failed'
    WHEN {_STATUS_OF_SCOPES.format(status="conflict")} THEN 'conflict'
    WHEN {_STATUS_OF_SCOPES.format(status="pending")} THEN 'pending'
    ELSE 'synced' END
"""

_RECOVER = """
UPDATE sync_log SET status = 'failed', error_message = 'The session was cut off.',
  completed_at = ?
WHERE status = 'running'
"""


class Following(Part):
    """`model.stores.ReplicaStore`, apart from writing records."""

    async def pending_edits(self, limit: int) -> Sequence[PendingEdit]:
        async with self._database.snapshot() as connection:
            waiting = await fetch(connection, _PENDING, (limit,))
            keys = [Key(row[0], row[1]) for row in waiting]
            rows = await read_rows(connection, keys, self._clock.guessing_in)
        edits = []
        for table, id_, changed_by, *status in waiting:
            pending = pending_of(*status)
            assert pending is not None
            edits.append(PendingEdit(rows[Key(table, id_)], pending, changed_by))
        return edits

    async def open_batches(self) -> Sequence[OpenBatch]:
        rows = await self._database.read(
            "SELECT id, body, sent_json, boot_id FROM upload_batches ORDER BY number"
        )
        return [OpenBatch(id_, body, _sent(sent), boot) for id_, body, sent, boot in rows]

    async def positions(self) -> Sequence[Position]:
        rows = await self._database.read(_POSITIONS)
        return [
            Position(Scope(ScopeKind(kind), id_), token, bool(comparing), bool(known), imports)
            for kind, id_, token, comparing, known, imports in rows
        ]

    async def mark_scopes(self, known: Collection[Scope], unknown: Collection[Scope]) -> None:
        """A scope that was never marked counts as known."""
        rows = await self._database.read(
            "SELECT scope_kind, scope_id FROM feed_positions WHERE known = 0"
        )
        before = {Scope(ScopeKind(kind), id_) for kind, id_ in rows}
        news = [[s.kind, s.id, True] for s in before & set(known)]
        news += [[s.kind, s.id, False] for s in set(unknown) - before]
        if news:
            await self._execute(_MARK_SCOPES, (as_json(news),))

    async def forget_positions(self) -> None:
        await self._execute("UPDATE feed_positions SET token = NULL, comparing = 1")

    async def log_session(self, log: SessionLog) -> None:
        changes = [[scope.kind, scope.id, count] for scope, count in log.changes.items()]
        parameters = {
            "started_at": log.started_at,
            "completed_at": log.completed_at,
            "error": log.error,
            "changes": as_json(changes),
        }

        async def work(connection: aiosqlite.Connection) -> None:
            if changes or log.error is not None:
                await connection.execute(_LOG, parameters)
                await connection.execute(_FORGET_LOG)
            await connection.execute(_END_LOG, parameters)
            await connection.execute(_CONCLUDE, parameters)

        await self._database.writer.run(work)

    async def set_aside_keys(self, limit: int) -> Sequence[Key]:
        rows = await self._database.read(
            "SELECT table_name, record_id FROM set_aside ORDER BY at LIMIT ?", (limit,)
        )
        return [Key(*row) for row in rows]

    async def edited_records(self, scope: Scope) -> Sequence[Key]:
        rows = await self._database.read(_EDITED, (scope.kind, scope.id))
        return [Key(*row) for row in rows]

    async def recover(self) -> None:
        """Settles what an earlier session left behind in `sync_log`."""
        await self._execute(_RECOVER, (self._clock.now(),))


def _sent(encoded: str) -> list[Sent]:
    return [Sent(*one) for one in msgspec.json.decode(encoded, type=list[tuple[str, str, str]])]
