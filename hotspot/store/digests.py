"""Digests of the rows of a version, read from indexes that hold all that they need."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import aiosqlite

from hotspot.model.digest import WHOLE, Index, Range, RowVersion, ScopeDigest, Sum, fingerprint
from hotspot.model.tables import Scope, Table, in_scope
from hotspot.store.feed import end_token, newest_seq
from hotspot.store.part import Part
from hotspot.store.rows import fetch
from hotspot.store.transaction import VERSION_TABLES

Rows = Mapping[str, Sequence[tuple[Any, ...]]]
"""The ids and numbers of a version's rows, by table."""


class Digests(Part):
    """`RecordStore.digest` and `list_versions`.

    Rows are put in order after their snapshot has ended: others wait for its connection.
    """

    async def digest(self, asked: Sequence[tuple[Scope, Sequence[Range]]]) -> Sequence[ScopeDigest]:
        async with self._database.snapshot() as connection:
            token = end_token(self._database.epoch, await newest_seq(connection))
            known = [await _is_known(connection, scope) for scope, _ in asked]
            read = [await _read(connection, scope, ranges) for scope, ranges in asked]
        return [
            ScopeDigest(scope, token if is_known else None, await _sums(ranges, found))
            for (scope, ranges), is_known, found in zip(asked, known, read, strict=True)
        ]

    async def list_versions(self, scope: Scope, ranges: Sequence[Range]) -> Sequence[RowVersion]:
        async with self._database.snapshot() as connection:
            rows = await _rows(connection, scope)
        index = await asyncio.to_thread(_index, rows)
        return [row for ids in ranges for row in index.rows(ids)]


async def _is_known(connection: aiosqlite.Connection, scope: Scope) -> bool:
    sql = f"SELECT 1 FROM {VERSION_TABLES[scope.kind]} WHERE id = ?"
    return bool(await fetch(connection, sql, (scope.id,)))


async def _read(
    connection: aiosqlite.Connection, scope: Scope, ranges: Sequence[Range]
) -> Sum | Rows:
    """What the digests of these ranges are made of: all of a version is summed by SQLite."""
    if all(ids == WHOLE for ids in ranges):
        return await _sum(connection, scope)
    return await _rows(connection, scope)


async def _sums(ranges: Sequence[Range], found: Sum | Rows) -> list[Sum]:
    """One pass over the version's rows, however many ranges there are."""
    if isinstance(found, Sum):
        return [found for _ in ranges]
    index = await asyncio.to_thread(_index, found)
    return [index.sum(ids) for ids in ranges]


async def _sum(connection: aiosqlite.Connection, scope: Scope) -> Sum:
    """The digest of the whole version."""
    rows, total = 0, 0
    for table in in_scope(scope.kind):
        ((count, high, low),) = await fetch(connection, _sum_sql(table), (scope.id,))
        rows += count
        total += (high << 32) + low
    return Sum(rows, fingerprint(total))


async def _rows(connection: aiosqlite.Connection, scope: Scope) -> Rows:
    return {
        table.name: await fetch(connection, _list_sql(table), (scope.id,))
        for table in in_scope(scope.kind)
    }


def _index(rows: Rows) -> Index:
    """The version's rows in order; with many of them this takes a while."""
    return Index(
        RowVersion(name, id_, fingerprint(number))
        for name, found in rows.items()
        for id_, number in found
    )


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
