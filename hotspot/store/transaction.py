"""One write transaction as the server half of the protocol sees it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import aiosqlite

from hotspot.model import instants, positions
from hotspot.model.aliases import Alias, NaturalKey, redirected
from hotspot.model.batches import ANSWERS_KEPT
from hotspot.model.records import Key, Record
from hotspot.model.stores import Accepted, Loser, StoredAnswer
from hotspot.model.tables import Scope, ScopeKind
from hotspot.store import aliases
from hotspot.store.noting import note_edits
from hotspot.store.rows import as_json, by_table, fetch, read_rows, write_rows

VERSION_TABLES = {ScopeKind.TEXT: "text_versions", ScopeKind.AUDIO: "audio_versions"}

_NEXT_SEQ = """
UPDATE meta SET value = CASE key WHEN 'seq' THEN value + 1 ELSE max(value, :now_ms) END
WHERE key IN ('seq', 'floor_ms')
RETURNING key, value
"""

_ARRIVED = "INSERT OR IGNORE INTO arrivals VALUES (substr(?, 1, 16), ?)"

_MARK_PENDING = """
INSERT INTO record_sync_status (
  table_name, record_id, scope_kind, scope_id, local_updated_at, server_updated_at, base_version,
  changed_by, device_id, doubt_ms, boot_id, received_mono_ms, age_ms, sender_stamp,
  reason, sync_status, edited_seq, created_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
  value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13,
  value ->> 14, 'pending', :seq, :now
FROM json_each(:edits) WHERE true
ON CONFLICT (table_name, record_id) DO UPDATE SET
  base_version = iif(sync_status = 'synced', excluded.base_version, base_version),
  server_updated_at = iif(sync_status = 'synced', excluded.server_updated_at, server_updated_at),
  sync_status = 'pending', former_version = NULL, conflict_resolution = NULL,
  reason = excluded.reason, local_updated_at = excluded.local_updated_at,
  edited_seq = excluded.edited_seq,
  changed_by = excluded.changed_by, device_id = excluded.device_id, doubt_ms = excluded.doubt_ms,
  boot_id = excluded.boot_id, received_mono_ms = excluded.received_mono_ms,
  age_ms = excluded.age_ms, sender_stamp = excluded.sender_stamp
"""

_KEEP_LOSERS = """
INSERT INTO losing_versions (
  table_name, record_id, version, record_json, winner_version, resolution, reason, device_id,
  kept_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
  value ->> 7, :now
FROM json_each(:losers) WHERE true
ON CONFLICT (table_name, record_id, version) DO UPDATE SET
  winner_version = excluded.winner_version, resolution = excluded.resolution,
  reason = excluded.reason, device_id = excluded.device_id, kept_at = excluded.kept_at
"""

# A record that only is in conflict was never edited here: its edited_seq is 0.
_DISPUTE = """
INSERT INTO record_sync_status (
  table_name, record_id, scope_kind, scope_id, base_version, reason,
  conflict_resolution, sync_status, edited_seq, created_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
  'manual', 'conflict', 0, :now
FROM json_each(:disputed) WHERE true
ON CONFLICT (table_name, record_id) DO UPDATE SET
  sync_status = 'conflict', conflict_resolution = 'manual', reason = excluded.reason,
  base_version = excluded.base_version
WHERE sync_status = 'synced'
"""

_FORGET_ANSWERS = """
DELETE FROM answered_batches WHERE device_id = :device AND rowid <= (
  SELECT rowid FROM answered_batches WHERE device_id = :device
  ORDER BY rowid DESC LIMIT 1 OFFSET :kept)
"""

_COMPARE = """
INSERT INTO feed_positions (scope_kind, scope_id, imports)
SELECT value ->> 0, value ->> 1, 1 FROM json_each(?) WHERE true
ON CONFLICT (scope_kind, scope_id) DO UPDATE SET
  token = NULL, comparing = 1, imports = imports + 1
"""

_CLOSE = """
UPDATE losing_versions SET resolution = 'server_wins'
WHERE resolution = 'manual' AND table_name = ? AND record_id IN (SELECT value FROM json_each(?))
"""


class Transaction:
    """`model.stores.RecordTransaction` on the writer's connection.

    `edited`: whether edits were accepted, which now wait for the upstream.
    `guessing_in`: the boot whose guess `now` is; None where the time is known.
    """

    def __init__(
        self, connection: aiosqlite.Connection, now: str, guessing_in: str | None = None
    ) -> None:
        self.edited = False
        self._connection = connection
        self._now = now
        self._guessing_in = guessing_in
        self._seq: int | None = None

    async def stored_answer(self, device_id: str, batch_id: str) -> StoredAnswer | None:
        rows = await fetch(
            self._connection,
            "SELECT body_hash, answer FROM answered_batches WHERE device_id = ? AND batch_id = ?",
            (device_id, batch_id),
        )
        return StoredAnswer(*rows[0]) if rows else None

    async def store_answer(
        self, device_id: str, batch_id: str, body_hash: str, answer: bytes
    ) -> None:
        await self._connection.execute(
            "INSERT INTO answered_batches VALUES (?, ?, ?, ?, ?)",
            (device_id, batch_id, body_hash, answer, self._now),
        )
        await self._connection.execute(_FORGET_ANSWERS, {"device": device_id, "kept": ANSWERS_KEPT})

    async def current(self, keys: Collection[Key]) -> dict[Key, Record]:
        return await read_rows(self._connection, keys, self._guessing_in)

    async def canonical(self, keys: Collection[Key]) -> dict[Key, Key]:
        return await aliases.canonical(self._connection, keys)

    async def holders(self, wanted: Collection[NaturalKey]) -> dict[NaturalKey, Record]:
        return await aliases.holders(self._connection, wanted, self._guessing_in)

    async def take_turns(self, scopes: Collection[Scope]) -> None:
        """There is one writer."""

    async def known_scopes(self, scopes: Collection[Scope]) -> set[Scope]:
        known = set()
        for kind, table in VERSION_TABLES.items():
            ids = as_json([scope.id for scope in scopes if scope.kind is kind])
            sql = f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(?))"
            known |= {Scope(kind, row[0]) for row in await fetch(self._connection, sql, (ids,))}
        return known

    async def accept(self, edits: Sequence[Accepted]) -> None:
        seq = await self.seq()
        records = [edit.record for edit in edits]
        await write_rows(self._connection, records, seq=seq, status="pending")
        await self.close_conflicts(record.key for record in records)
        pending = as_json([_pending(edit) for edit in edits])
        await self._connection.execute(
            _MARK_PENDING, {"edits": pending, "seq": seq, "now": self._now}
        )
        await note_edits(self._connection, edits)
        self.edited = True

    async def add_aliases(self, named: Sequence[Alias]) -> None:
        await aliases.add(self._connection, named)
        referring = await aliases.referring(self._connection, named)
        if referring:
            names = await self.canonical([alias.key for alias in named])
            led = [redirected(record, names) for record in referring]
            await write_rows(self._connection, led, seq=await self.seq(), status="synced")
            # The upstream's rows are as they were, unless it learns of these aliases too.
            scopes = {(one.scope.kind, one.scope.id) for one in led if one.scope is not None}
            await compare_again(self._connection, sorted(scopes))

    async def keep_losers(self, losers: Sequence[Loser]) -> None:
        kept = as_json([_losing(loser) for loser in losers])
        await self._connection.execute(_KEEP_LOSERS, {"losers": kept, "now": self._now})
        manual = [loser for loser in losers if loser.resolution == "manual"]
        if manual:
            await self._dispute(manual)

    async def _dispute(self, losers: Sequence[Loser]) -> None:
        """Marks the records that a person is asked about, unless an edit of them waits."""
        disputed = as_json([_disputed(loser) for loser in losers])
        await self._connection.execute(_DISPUTE, {"disputed": disputed, "now": self._now})
        for table, ids in by_table(loser.record.key for loser in losers).items():
            await self._connection.execute(
                f"""
                UPDATE {table} SET sync_status = 'conflict'
                WHERE id IN (SELECT value FROM json_each(?)) AND sync_status = 'synced'
                """,
                (as_json(ids),),
            )

    async def close_conflicts(self, keys: Iterable[Key]) -> None:
        """What was disputed about these records is no more; the versions stay listed as losers."""
        for table, ids in by_table(keys).items():
            await self._connection.execute(_CLOSE, (table, as_json(ids)))

    async def redeliver(self, keys: Collection[Key]) -> None:
        if not keys:
            return
        seq = await self.seq()
        for table, ids in by_table(keys).items():
            await self._connection.execute(
                f"UPDATE {table} SET seq = ? WHERE id IN (SELECT value FROM json_each(?))",
                (seq, as_json(ids)),
            )

    async def name(self) -> str:
        ((epoch,),) = await fetch(
            self._connection, "SELECT value FROM meta WHERE key = 'epoch'", ()
        )
        return positions.encode(epoch, await self.seq())

    async def seq(self) -> int:
        """The feed position of what this transaction changes: one, taken when first needed.

        With it goes a time that is known to be past: no clock may fall behind a stamp given here.
        """
        if self._seq is None:
            rows = await fetch(self._connection, _NEXT_SEQ, {"now_ms": instants.to_ms(self._now)})
            self._seq = int(dict(rows)["seq"])
            await self._connection.execute(_ARRIVED, (self._now, self._seq))
        return self._seq


async def compare_again(
    connection: aiosqlite.Connection, scopes: Sequence[tuple[str, str]]
) -> None:
    """Has these versions (kind and id) compared with the upstream's before more is read of them."""
    await connection.execute(_COMPARE, (as_json(scopes),))


def _pending(edit: Accepted) -> list[Any]:
    record, replaced, provenance = edit.record, edit.replaced, edit.provenance
    scope, dating = record.scope, provenance.dating
    return [
        record.table,
        record.id,
        scope.kind if scope else None,
        scope.id if scope else None,
        record.updated_at,
        replaced.updated_at if replaced else None,
        replaced.version if replaced else None,
        provenance.changed_by,
        provenance.device_id,
        record.doubt_ms,
        dating.boot_id if dating else None,
        dating.mono_ms if dating else None,
        dating.age_ms if dating else None,
        dating.sender_stamp if dating else None,
        provenance.note or None,
    ]


def _disputed(loser: Loser) -> list[Any]:
    record, scope = loser.record, loser.record.scope
    return [
        record.table,
        record.id,
        scope.kind if scope else None,
        scope.id if scope else None,
        loser.winner,
        loser.reason,
    ]


def _losing(loser: Loser) -> list[Any]:
    record = loser.record
    return [
        record.table,
        record.id,
        record.version,
        as_json(record),
        loser.winner,
        loser.resolution,
        loser.reason,
        loser.device_id,
    ]
