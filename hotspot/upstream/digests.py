"""Digests of the rows of a version."""

from collections.abc import Sequence
from functools import cache

from asyncpg import Connection

from hotspot.model.digest import Range, RowVersion, ScopeDigest, Sum, fingerprint
from hotspot.model.tables import Scope, Table, in_scope
from hotspot.upstream import feed


async def digest(
    connection: Connection, asked: Sequence[tuple[Scope, Sequence[Range]]]
) -> list[ScopeDigest]:
    """Digests and positions of one moment: what a position leaves out, its digest has."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        ends = await feed.ends_of(connection, [scope for scope, _ in asked])
        return [
            ScopeDigest(scope, feed.end_token(end), await _sums(connection, scope, ranges))
            for (scope, ranges), end in zip(asked, ends, strict=True)
        ]


async def _sums(connection: Connection, scope: Scope, ranges: Sequence[Range]) -> list[Sum]:
    counts, totals = [0] * len(ranges), [0] * len(ranges)
    for table in in_scope(scope.kind) if ranges else ():
        rows = await connection.fetch(_sum_sql(table), scope.id, *_bounds(ranges))
        for place, row in enumerate(rows):
            counts[place] += row["count"]
            totals[place] += int(row["total"])
    return [Sum(count, fingerprint(total)) for count, total in zip(counts, totals, strict=True)]


async def list_versions(
    connection: Connection, scope: Scope, ranges: Sequence[Range]
) -> list[RowVersion]:
    """Every row of these ranges."""
    return [
        RowVersion(table.name, row["id"], fingerprint(row["row_hash"]))
        for table in in_scope(scope.kind)
        for row in await connection.fetch(_list_sql(table), scope.id, *_bounds(ranges))
    ]


def _bounds(ranges: Sequence[Range]) -> tuple[list[str], list[str]]:
    """The first ids and the last ids."""
    bounds = [one.bounds for one in ranges]
    return [first for first, _ in bounds], [last for _, last in bounds]


@cache
def _sum_sql(table: Table) -> str:
    return f"""
        SELECT s.count, s.total
        FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS r(first, last, place)
        CROSS JOIN LATERAL (
          SELECT count(*), coalesce(sum(t.row_hash), 0) AS total FROM {table.name} t
          WHERE t.{table.scope_column} = $1 AND t.id BETWEEN r.first AND r.last
        ) s
        ORDER BY r.place
    """


@cache
def _list_sql(table: Table) -> str:
    """OFFSET 0 keeps the planner from joining all rows of the version with all ranges."""
    return f"""
        SELECT l.id::text AS id, l.row_hash
        FROM unnest($2::uuid[], $3::uuid[]) AS r(first, last)
        CROSS JOIN LATERAL (
          SELECT t.id, t.row_hash FROM {table.name} t
          WHERE t.{table.scope_column} = $1 AND t.id BETWEEN r.first AND r.last
          OFFSET 0
        ) l
    """
