"""Digests of the rows of a version, read from indexes that hold all that they need."""

from collections.abc import Sequence
from functools import cache

import aiosqlite
import msgspec

from hotspot.model.digest import Range, RowVersion, ScopeDigest, Sum, fingerprint
from hotspot.model.tables import Scope, Table, in_scope
from hotspot.store.feed import end_token, newest_seq
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch
from hotspot.store.transaction import VERSION_TABLES


class Digests(Part):
    """`RecordStore.digest` and `list_versions`."""

    async def digest(self, asked: Sequence[tuple[Scope, Sequence[Range]]]) -> Sequence[ScopeDigest]:
        async with self._database.snapshot() as connection:
            token = end_token(self._database.epoch, await newest_seq(connection))
            found = []
            for scope, ranges in asked:
                known = await _is_known(connection, scope)
                sums = await _sums(connection, scope, ranges)
                found.append(ScopeDigest(scope, token if known else None, sums))
            return found

    async def list_versions(self, scope: Scope, ranges: Sequence[Range]) -> Sequence[RowVersion]:
        async with self._database.snapshot() as connection:
            return [
                RowVersion(table.name, id_, fingerprint(number))
                for table in in_scope(scope.kind)
                for id_, number in await fetch(
                    connection, _list_sql(table), (_bounds(ranges), scope.id)
                )
            ]


def _bounds(ranges: Sequence[Range]) -> str:
    return as_json([one.bounds for one in ranges])


async def _is_known(connection: aiosqlite.Connection, scope: Scope) -> bool:
    sql = f"SELECT 1 FROM {VERSION_TABLES[scope.kind]} WHERE id = ?"
    return bool(await fetch(connection, sql, (scope.id,)))


async def _sums(
    connection: aiosqlite.Connection, scope: Scope, ranges: Sequence[Range]
) -> list[Sum]:
    counts, totals = [0] * len(ranges), [0] * len(ranges)
    for table in in_scope(scope.kind) if ranges else ():
        rows = await fetch(connection, _sum_sql(table), (scope.id, _bounds(ranges)))
        for place, (encoded,) in enumerate(rows):
            count, high, low = msgspec.json.decode(encoded, type=tuple[int, int, int])
            counts[place] += count
            totals[place] += (high << 32) + low
    return [Sum(count, fingerprint(total)) for count, total in zip(counts, totals, strict=True)]


@cache
def _sum_sql(table: Table) -> str:
    """Halves are summed, because SQLite's sums stop at 64 bits; as one value, in one pass."""
    return f"""
        SELECT (
          SELECT json_array(
            count(*), coalesce(sum(row_hash >> 32), 0), coalesce(sum(row_hash & 0xffffffff), 0))
          FROM {table.name}
          WHERE {table.scope_column} = ? AND id BETWEEN r.value ->> 0 AND r.value ->> 1)
        FROM json_each(?) r ORDER BY r.key
    """


@cache
def _list_sql(table: Table) -> str:
    return f"""
        SELECT t.id, t.row_hash
        FROM json_each(?) r CROSS JOIN {table.name} t
          ON t.{table.scope_column} = ? AND t.id BETWEEN r.value ->> 0 AND r.value ->> 1
    """
