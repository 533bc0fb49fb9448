"""Digests of the rows of a version, read from indexes that hold all that they need."""

import asyncio
from collections.abc import Sequence
from functools import cache

import aiosqlite

from hotspot.model.digest import WHOLE, Index, Range, RowVersion, ScopeDigest, Sum, fingerprint
from hotspot.model.tables import Scope, Table, in_scope
from hotspot.store.feed import end_token, newest_seq
from hotspot.store.part import Part
from hotspot.store.rows import fetch
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
            index = await _index(connection, scope)
        return [row for ids in ranges for row in index.rows(ids)]


async def _is_known(connection: aiosqlite.Connection, scope: Scope) -> bool:
    sql = f"SELECT 1 FROM {VERSION_TABLES[scope.kind]} WHERE id = ?"
    return bool(await fetch(connection, sql, (scope.id,)))


async def _sums(
    connection: aiosqlite.Connection, scope: Scope, ranges: Sequence[Range]
) -> list[Sum]:
    """One pass over the version's rows, however many ranges there are."""
    if all(ids == WHOLE for ids in ranges):
        return [await _sum(connection, scope) for _ in ranges]
    index = await _index(connection, scope)
    return [index.sum(ids) for ids in ranges]


async def _sum(connection: aiosqlite.Connection, scope: Scope) -> Sum:
    """The digest of the whole version."""
    rows, total = 0, 0
    for table in in_scope(scope.kind):
        ((count, high, low),) = await fetch(connection, _sum_sql(table), (scope.id,))
        rows += count
        total += (high << 32) + low
    return Sum(rows, fingerprint(total))


async def _index(connection: aiosqlite.Connection, scope: Scope) -> Index:
    """The version's rows; it takes a while to put many of them in order."""
    found = {
        table.name: await fetch(connection, _list_sql(table), (scope.id,))
        for table in in_scope(scope.kind)
    }

    def ordered() -> Index:
        return Index(
            RowVersion(name, id_, fingerprint(number))
            for name, rows in found.items()
            for id_, number in rows
        )

    return await asyncio.to_thread(ordered)


@cache
def _sum_sql(table: Table) -> str:
    """Halves are summed, because SQLite's sums stop at 64 bits."""
    return f"""
        SELECT count(*), coalesce(sum(row_hash >> 32), 0), coalesce(sum(row_hash & 0xffffffff), 0)
        FROM {table.name} WHERE {table.scope_column} = ?
    """


@cache
def _list_sql(table: Table) -> str:
    return f"SELECT id, row_hash FROM {table.name} WHERE {table.scope_column} = ?"
