"""Versions that lost, and bringing them back: `model.conflicts.ConflictStore`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiosqlite
import msgspec

from hotspot.model import conflicts
from hotspot.model.aliases import natural_key, renamed
from hotspot.model.conflicts import Choice, KeptQuery, KeptVersion
from hotspot.model.records import Key, Record
from hotspot.model.stores import Provenance
from hotspot.model.timeline import Dating
from hotspot.store.records import Records
from hotspot.store.rows import fetch, read_rows
from hotspot.store.transaction import Transaction

_KEPT = """
SELECT l.id, l.record_id, l.record_json, l.resolution, l.reason, l.kept_at, l.device_id, d.name
FROM losing_versions l LEFT JOIN devices d ON d.id = l.device_id
"""

_ONE = f"{_KEPT} WHERE l.id = ?"
_PAGE = "(:record IS NULL OR l.record_id = :record) ORDER BY l.id DESC LIMIT :limit OFFSET :offset"
_ALL = f"{_KEPT} WHERE {_PAGE}"
_WAITING = f"{_KEPT} WHERE l.resolution = 'manual' AND {_PAGE}"

_DECIDE = "UPDATE losing_versions SET resolution = ? WHERE id = ?"

# The record is as it would be without the conflict, once nothing about it is disputed.
_UNDISPUTED = """
sync_status = 'conflict' AND NOT EXISTS (
  SELECT 1 FROM losing_versions WHERE resolution = 'manual' AND table_name = :table
  AND record_id = :id)
"""
_SETTLE_STATUS = f"""
UPDATE record_sync_status SET
  sync_status = 'synced', conflict_resolution = 'server_wins', reason = NULL
WHERE table_name = :table AND record_id = :id AND {_UNDISPUTED}
"""


class Conflicts(Records):
    """Lists losing versions, and makes them current again."""

    async def kept_versions(self, query: KeptQuery) -> Sequence[KeptVersion]:
        parameters = {
            "record": query.record_id,
            "limit": query.limit,
            "offset": query.offset,
        }
        async with self._database.snapshot() as connection:
            rows = await fetch(connection, _WAITING if query.waiting else _ALL, parameters)
            return await _described(connection, rows)

    async def kept_version(self, number: int) -> KeptVersion:
        async with self._database.snapshot() as connection:
            rows = await fetch(connection, _ONE, (number,))
            if not rows:
                raise conflicts.no_such(number)
            return (await _described(connection, rows))[0]

    async def keep(self, number: int, choice: Choice, device_id: str | None = None) -> None:
        async def work(tx: Transaction, connection: aiosqlite.Connection) -> None:
            lost, resolution = await _lost(connection, number)
            if resolution != "manual":
                raise conflicts.closed(number)
            if choice is Choice.LOCAL:
                await self._bring_back(tx, connection, number, lost, device_id)
            else:
                await _let_stand(connection, number, lost.key)

        await self._run(work)

    async def restore(self, number: int, device_id: str | None = None) -> None:
        async def work(tx: Transaction, connection: aiosqlite.Connection) -> None:
            lost, _ = await _lost(connection, number)
            await self._bring_back(tx, connection, number, lost, device_id)

        await self._run(work)

    async def _run(
        self, work: Callable[[Transaction, aiosqlite.Connection], Awaitable[None]]
    ) -> None:
        async def run(connection: aiosqlite.Connection) -> tuple[None, bool]:
            tx = Transaction(connection, self._clock.now(), self._clock.guessing_in)
            await work(tx, connection)
            return None, tx.edited

        await self._database.writer.run(run, committed=self._tell)

    async def _bring_back(
        self,
        tx: Transaction,
        connection: aiosqlite.Connection,
        number: int,
        lost: Record,
        device_id: str | None,
    ) -> None:
        """The version becomes an edit of what stands; what it replaces is kept in its place."""
        now, mono_ms = self._clock.read()
        guessed_in = self._clock.guessing_in
        provenance = Provenance(
            device_id=device_id,
            changed_by=lost.updated_by,
            dating=Dating(boot_id=guessed_in, mono_ms=mono_ms) if guessed_in else None,
        )
        chosen = conflicts.restoration(lost, await _standing(tx, lost), now, provenance)
        await tx.accept([chosen.edit])
        if chosen.overruled:
            await tx.keep_losers(chosen.overruled)
        await connection.execute(_DECIDE, ("local_wins", number))


async def _standing(tx: Transaction, lost: Record) -> Record | None:
    """The row that a version is to replace: where another record took its place, that one."""
    about = natural_key(lost)
    if about is not None and not lost.deleted:
        holder = (await tx.holders([about])).get(about)
        if holder is not None:
            return holder
    return (await tx.current([lost.key])).get(lost.key)


async def _described(
    connection: aiosqlite.Connection, rows: Sequence[tuple[Any, ...]]
) -> list[KeptVersion]:
    """The selected rows, each with the row that stands now."""
    records = [_record(*row[1:3]) for row in rows]
    standing = await read_rows(connection, {record.key for record in records})
    return [
        conflicts.kept_version(
            record,
            standing.get(record.key),
            number=number,
            resolution=resolution,
            reason=reason,
            kept_at=kept_at,
            device_id=device_id,
            device_name=name,
        )
        for record, (number, _, _, resolution, reason, kept_at, device_id, name) in zip(
            records, rows, strict=True
        )
    ]


async def _lost(connection: aiosqlite.Connection, number: int) -> tuple[Record, str]:
    """A losing version and its resolution. Raises NotFound."""
    rows = await fetch(
        connection,
        "SELECT record_id, record_json, resolution FROM losing_versions WHERE id = ?",
        (number,),
    )
    if not rows:
        raise conflicts.no_such(number)
    record_id, encoded, resolution = rows[0]
    return _record(record_id, encoded), resolution


def _record(record_id: str, encoded: str) -> Record:
    """A kept version, of the record that it is counted to now."""
    return renamed(msgspec.json.decode(encoded, type=Record), record_id)


async def _let_stand(connection: aiosqlite.Connection, number: int, key: Key) -> None:
    await connection.execute(_DECIDE, ("server_wins", number))
    named = {"table": key.table, "id": key.id}
    await connection.execute(_SETTLE_STATUS, named)
    await connection.execute(
        f"UPDATE {key.table} SET sync_status = 'synced' WHERE id = :id AND {_UNDISPUTED}", named
    )
