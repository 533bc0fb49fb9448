"""One write transaction as the client half of the protocol sees it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hotspot.model.aliases import Alias
from hotspot.model.batches import OpenBatch
from hotspot.model.media import wants_audio
from hotspot.model.merge import Local, Mark, Outcome, Pending, Sent
from hotspot.model.records import Key, Record
from hotspot.model.stores import Loser, Position
from hotspot.model.tables import MEDIA_FILES, Scope, ScopeKind
from hotspot.store import aliases
from hotspot.store.rows import as_json, by_table, fetch, write_rows
from hotspot.store.transaction import Transaction

_STATUSES = """
SELECT s.record_id, s.edited_seq > 0,
  EXISTS (SELECT 1 FROM losing_versions l WHERE l.resolution = 'manual'
          AND l.table_name = s.table_name AND l.record_id = s.record_id),
  s.sync_status, s.base_version
FROM json_each(?) k
CROSS JOIN record_sync_status s ON s.table_name = ? AND s.record_id = k.value
"""

_MARK = """
UPDATE record_sync_status SET
  sync_status = value ->> 2,
  server_updated_at = coalesce(value ->> 3, server_updated_at),
  conflict_resolution = value ->> 4,
  reason = value ->> 5,
  base_version = coalesce(value ->> 6, base_version),
  former_version = iif(value ->> 7, value ->> 8, former_version),
  last_synced_at = iif(value ->> 2 = 'synced', :now, last_synced_at),
  boot_id = iif(value ->> 2 = 'pending', boot_id, NULL),
  doubt_ms = iif(value ->> 2 = 'pending', doubt_ms, 0)
FROM json_each(:marks) WHERE table_name = value ->> 0 AND record_id = value ->> 1
"""

_CONFIRM = """
UPDATE record_sync_status SET
  (server_updated_at, base_version) = (
    SELECT t.updated_at, t.updated_at || '~' || t.content_hash FROM {table} t
    WHERE t.id = record_id),
  sync_status = 'synced', last_synced_at = :now,
  conflict_resolution = NULL, reason = NULL, boot_id = NULL, doubt_ms = 0
WHERE id IN (
  SELECT s.id
  FROM json_each(:versions) k
  CROSS JOIN {table} t ON t.id = k.key AND t.updated_at || '~' || t.content_hash = k.value
  CROSS JOIN record_sync_status s ON s.table_name = '{table}' AND s.record_id = t.id
  WHERE s.sync_status = 'pending'
    AND NOT EXISTS (SELECT 1 FROM losing_versions l WHERE l.resolution = 'manual'
                    AND l.table_name = '{table}' AND l.record_id = t.id))
RETURNING record_id, scope_kind, scope_id
"""

_KEEP_BATCH = """
INSERT INTO upload_batches (id, number, body, sent_json, boot_id)
SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ? FROM upload_batches
"""

_SEND = """
UPDATE record_sync_status SET batch_id = :batch
FROM json_each(:sent) WHERE table_name = value ->> 0 AND record_id = value ->> 1
"""

_SET_POSITIONS = """
INSERT INTO feed_positions (scope_kind, scope_id, token, comparing, imports)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) WHERE true
ON CONFLICT (scope_kind, scope_id) DO UPDATE SET
  token = excluded.token, comparing = excluded.comparing
WHERE imports = excluded.imports
"""

_SET_ASIDE = """
INSERT INTO set_aside VALUES (?, ?, ?, ?, ?)
ON CONFLICT (table_name, record_id) DO UPDATE SET
  record_json = excluded.record_json, reason = excluded.reason, at = excluded.at
WHERE record_json <> excluded.record_json OR reason <> excluded.reason
"""

_FORGET_ASIDE = """
DELETE FROM set_aside WHERE table_name = ? AND record_id IN (SELECT value FROM json_each(?))
"""

_BEGIN_LOG = """
INSERT INTO sync_log (package_id, sync_type, started_at, status)
SELECT DISTINCT p.package_id, 'incremental', :now, 'running'
FROM json_each(:scopes) s
JOIN package_scopes p ON p.scope_kind = s.value ->> 0 AND p.scope_id = s.value ->> 1
WHERE NOT EXISTS (
  SELECT 1 FROM sync_log r WHERE r.package_id = p.package_id AND r.status = 'running')
"""


_WANT_AUDIO = """
INSERT INTO wanted_audio (media_file_id, wanted_at)
SELECT value, :now FROM json_each(:ids) WHERE true
ON CONFLICT (media_file_id) DO UPDATE SET
  wanted_at = excluded.wanted_at, failures = 0, reason = NULL, damaged = 0
"""

_WAIT_FOR_AUDIO = """
UPDATE media_files SET sync_status = 'pending'
WHERE id IN (SELECT value FROM json_each(:ids))
"""


class Replica(Transaction):
    """`model.stores.ReplicaTransaction` on the writer's connection."""

    async def rename(self, named: Sequence[Alias]) -> None:
        await self.add_aliases(named)
        await aliases.move(self._connection, named)

    async def locals(self, keys: Collection[Key]) -> dict[Key, Local]:
        records = await self.current(keys)
        held = {key: Local(records.get(key)) for key in keys}
        for table, ids in by_table(keys).items():
            for id_, edited, disputed, *status in await fetch(
                self._connection, _STATUSES, (as_json(ids), table)
            ):
                key = Key(table, id_)
                pending = pending_of(*status)
                held[key] = Local(records.get(key), pending, bool(edited), bool(disputed))
        return held

    async def confirm(self, sent: Collection[Sent], now: str) -> dict[Key, Scope | None]:
        versions: dict[str, dict[str, str]] = defaultdict(dict)
        for one in sent:
            versions[one.table][one.id] = one.version
        confirmed: dict[Key, Scope | None] = {}
        for table, asked in versions.items():
            parameters = {"versions": as_json(asked), "now": now}
            rows = await fetch(self._connection, _CONFIRM.format(table=table), parameters)
            for id_, kind, scope_id in rows:
                scope = Scope(ScopeKind(kind), scope_id) if scope_id is not None else None
                confirmed[Key(table, id_)] = scope
            await self._mark_table(table, Mark.SYNCED, [row[0] for row in rows], now)
        return confirmed

    async def settle(self, outcomes: Sequence[Outcome], now: str) -> None:
        told = [outcome for outcome in outcomes if not outcome.empty]
        held = await self._versions([Key(one.table, one.id) for one in told])
        changed = [one.record for one in told if one.record is not None and _changes(one, held)]
        wanted = await self._wanted_audio(changed)
        if changed:
            await write_rows(self._connection, changed, seq=await self.seq(), status="synced")
            live = [record for record in changed if not record.deleted]
            await aliases.forget(self._connection, live)
        await self.close_conflicts(Key(one.table, one.id) for one in told if one.moves_on)
        await self._mark_rows(told, now)
        if wanted:
            await self._want_audio(wanted, now)
        marks = as_json([_marking(one, held) for one in told if one.mark is not None])
        await self._connection.execute(_MARK, {"marks": marks, "now": now})
        losers = list(_losers(told, held))
        if losers:
            await self.keep_losers(losers)

    async def _wanted_audio(self, changed: Sequence[Record]) -> list[str]:
        """The media files among `changed` whose record names another recording than before."""
        media = {record.key: record for record in changed if record.table == MEDIA_FILES.name}
        before = await self.current(media) if media else {}
        return [key.id for key, after in media.items() if wants_audio(before.get(key), after)]

    async def _want_audio(self, media_file_ids: Sequence[str], now: str) -> None:
        ids = as_json(media_file_ids)
        await self._connection.execute(_WANT_AUDIO, {"ids": ids, "now": now})
        await self._connection.execute(_WAIT_FOR_AUDIO, {"ids": ids})

    async def _versions(self, keys: Iterable[Key]) -> dict[Key, tuple[str, str]]:
        """The stamps and content hashes of the current rows."""
        held = {}
        for table, ids in by_table(keys).items():
            sql = f"""
                SELECT t.id, t.updated_at, t.content_hash
                FROM json_each(?) k CROSS JOIN {table} t ON t.id = k.value
            """
            for row in await fetch(self._connection, sql, (as_json(ids),)):
                held[Key(table, row[0])] = (row[1], row[2])
        return held

    async def _mark_rows(self, told: Sequence[Outcome], now: str) -> None:
        """The sync columns of the rows themselves; a row that came down unedited is synced."""
        marked: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in told:
            if one.mark is not None or one.record is not None:
                marked[one.table, one.mark or Mark.SYNCED].append(one.id)
        for (table, mark), ids in marked.items():
            await self._mark_table(table, mark, ids, now)

    async def _mark_table(self, table: str, mark: str, ids: Sequence[str], now: str) -> None:
        synced = ", last_synced_at = :now" if mark == Mark.SYNCED else ""
        await self._connection.execute(
            f"""
            UPDATE {table} SET sync_status = :mark{synced}
            WHERE id IN (SELECT value FROM json_each(:ids))
            """,
            {"mark": mark, "now": now, "ids": as_json(ids)},
        )

    async def keep_batch(self, batch: OpenBatch) -> None:
        sent = as_json([[one.table, one.id, one.version] for one in batch.sent])
        await self._connection.execute(_KEEP_BATCH, (batch.id, batch.body, sent, batch.guessed_in))
        await self._connection.execute(_SEND, {"batch": batch.id, "sent": sent})

    async def close_batch(self, batch_id: str) -> None:
        await self._connection.execute("DELETE FROM upload_batches WHERE id = ?", (batch_id,))

    async def set_positions(self, positions: Sequence[Position]) -> None:
        rows = [[p.scope.kind, p.scope.id, p.token, p.comparing, p.imports] for p in positions]
        await self._connection.execute(_SET_POSITIONS, (as_json(rows),))

    async def set_aside(self, key: Key, record: bytes, reason: str, now: str) -> None:
        await self._connection.execute(_SET_ASIDE, (key.table, key.id, record, reason, now))

    async def forget_aside(self, keys: Collection[Key]) -> None:
        for table, ids in by_table(keys).items():
            await self._connection.execute(_FORGET_ASIDE, (table, as_json(ids)))

    async def begin_log(self, scopes: Collection[Scope], now: str) -> None:
        named = as_json([[scope.kind, scope.id] for scope in scopes])
        await self._connection.execute(_BEGIN_LOG, {"scopes": named, "now": now})


def pending_of(status: str, base_version: str | None) -> Pending | None:
    """The pending edit that columns of `record_sync_status` tell of, if it is one."""
    return Pending(base_version) if status == Mark.PENDING else None


Held = Mapping[Key, tuple[str, str]]


def _changes(outcome: Outcome, held: Held) -> bool:
    """Whether the outcome's row is another than the one that is stored."""
    record = outcome.record
    return record is not None and held.get(record.key) != (record.updated_at, record.hash)


def _marking(outcome: Outcome, held: Held) -> list[Any]:
    """What `_MARK` takes; a base of None leaves the one that is kept."""
    record, base = outcome.record, outcome.base_version
    if record is not None and outcome.mark is not Mark.PENDING:
        base = record.version
    former = None
    if record is not None:
        stamp, content = held.get(record.key, ("", ""))
        former = f"{stamp}~{content}" if content == record.hash else None
    return [
        outcome.table,
        outcome.id,
        outcome.mark,
        outcome.server_updated_at,
        outcome.resolution,
        outcome.reason or None,
        base,
        _changes(outcome, held),
        former,
    ]


def _losers(told: Iterable[Outcome], held: Held) -> Iterable[Loser]:
    for one in told:
        if one.loser is not None:
            winner = one.record.version if one.record else "~".join(held[Key(one.table, one.id)])
            yield Loser(one.loser, winner, one.resolution or "server_wins", one.reason)
