"""Versions that lost on the server, and bringing them back: `model.conflicts.ConflictStore`."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache

import msgspec
from asyncpg import Connection
from asyncpg import Record as Row

from hotspot.errors import TryLater
from hotspot.model import conflicts, records
from hotspot.model.aliases import natural_key
from hotspot.model.conflicts import Choice, KeptQuery, KeptVersion
from hotspot.model.records import Key, Record
from hotspot.model.stores import Provenance
from hotspot.model.tables import BY_NAME, Table
from hotspot.upstream import rows
from hotspot.upstream.database import RACED
from hotspot.upstream.transaction import PostgresTransaction, Raced

_KEPT = """
SELECT l.id, l.table_name, l.record_id::text AS record_id, l.record, l.resolution, l.reason,
  canonical(l.lost_at) AS kept_at, l.device_id::text AS device_id, d.name AS device_name
FROM losing_versions l LEFT JOIN devices d ON d.id = l.device_id
"""
_ONE = f"{_KEPT} WHERE l.id = $1"
_PAGE = f"""
{_KEPT} WHERE (NOT $1 OR l.resolution = 'manual')
  AND ($2::uuid IS NULL OR l.record_id = $2::uuid)
ORDER BY l.id DESC LIMIT $3 OFFSET $4
"""
_DECIDE = "UPDATE losing_versions SET resolution = $2 WHERE id = $1"
_LAST_NUMBER = 2**63 - 1


class PostgresConflicts:
    """A `ConflictStore` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def kept_versions(self, query: KeptQuery) -> Sequence[KeptVersion]:
        """One page of the list, newest first."""
        asked = (query.waiting, query.record_id, query.limit, query.offset)
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            return await _described(self._connection, await self._connection.fetch(_PAGE, *asked))

    async def kept_version(self, number: int) -> KeptVersion:
        """One of them. Raises NotFound."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            row = await self._kept(number)
            return (await _described(self._connection, [row]))[0]

    async def keep(self, number: int, choice: Choice, device_id: str | None = None) -> None:
        """Closes the open conflict by what a person chose. Raises NotFound where none is open."""

        async def work(tx: PostgresTransaction) -> None:
            row = await self._kept(number, lock=True)
            if row["resolution"] != "manual":
                raise conflicts.closed(number)
            if choice is Choice.LOCAL:
                await self._bring_back(tx, row, device_id)
            else:
                await self._connection.execute(_DECIDE, number, "server_wins")

        await self._run(work)

    async def restore(self, number: int, device_id: str | None = None) -> None:
        """Makes a losing version current again, as an edit. Raises NotFound."""

        async def work(tx: PostgresTransaction) -> None:
            await self._bring_back(tx, await self._kept(number, lock=True), device_id)

        await self._run(work)

    async def _run(self, work: Callable[[PostgresTransaction], Awaitable[None]]) -> None:
        try:
            async with self._connection.transaction():
                await work(PostgresTransaction(self._connection))
        except (Raced, *RACED):
            raise TryLater("Others are changing the same records; decide it again.") from None

    async def _kept(self, number: int, *, lock: bool = False) -> Row:
        found = 0 < number <= _LAST_NUMBER
        sql = f"{_ONE} FOR UPDATE OF l" if lock else _ONE
        row = await self._connection.fetchrow(sql, number) if found else None
        if row is None:
            raise conflicts.no_such(number)
        return row

    async def _bring_back(self, tx: PostgresTransaction, row: Row, device_id: str | None) -> None:
        """The version becomes an edit of what stands; what it replaces is kept in its place."""
        lost = _record(row)
        now = await self._connection.fetchval("SELECT canonical(clock_timestamp())")
        provenance = Provenance(device_id=device_id, changed_by=lost.updated_by)
        chosen = conflicts.restoration(lost, await _standing(tx, lost), now, provenance)
        await tx.accept([chosen.edit])
        if chosen.overruled:
            await tx.keep_losers(chosen.overruled)
        await self._connection.execute(_DECIDE, row["id"], "local_wins")


async def _standing(tx: PostgresTransaction, lost: Record) -> Record | None:
    """The row that a version is to replace: where another record took its place, that one."""
    names = await tx.canonical([lost.key])
    key = names.get(lost.key, lost.key)
    about = natural_key(lost)
    if about is not None and not lost.deleted:
        holder = (await tx.holders([about])).get(about)
        if holder is not None:
            return holder
    return (await tx.current([key])).get(key)


async def _described(connection: Connection, kept: Sequence[Row]) -> list[KeptVersion]:
    """The selected rows, each with the row that stands now."""
    lost = [_record(row) for row in kept]
    standing = await _rows(connection, {record.key for record in lost})
    return [
        conflicts.kept_version(
            record,
            standing.get(record.key),
            number=row["id"],
            resolution=row["resolution"],
            reason=row["reason"],
            kept_at=row["kept_at"],
            device_id=row["device_id"],
            device_name=row["device_name"],
        )
        for record, row in zip(lost, kept, strict=True)
    ]


async def _rows(connection: Connection, keys: Iterable[Key]) -> dict[Key, Record]:
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        ids[key.table].append(key.id)
    found = [
        rows.record_of(BY_NAME[table], row)
        for table, asked in ids.items()
        for row in await connection.fetch(_by_id(BY_NAME[table]), asked)
    ]
    return {record.key: record for record in found}


@cache
def _by_id(table: Table) -> str:
    return f"SELECT {rows.selected(table, 't')} FROM {table.name} t WHERE t.id = ANY($1::uuid[])"


def _record(row: Row) -> Record:
    table = BY_NAME[row["table_name"]]
    return records.from_wire(table, row["record_id"], msgspec.json.decode(row["record"]))
