"""Natural keys and aliases in PostgreSQL.

Unique indexes hold that no two live rows have one natural key: whoever comes second is told by an
error, and judges again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cache

import msgspec
from asyncpg import Connection

from hotspot.model.aliases import Alias, NaturalKey, natural_key, to_the_end
from hotspot.model.records import Key, Record
from hotspot.model.tables import BY_NAME, REFERENCES, Table
from hotspot.upstream import doubts, rows

_NAMED = "unnest($1::text[], $2::uuid[], $3::uuid[]) AS n(table_name, id, canonical_id)"
# The last statement leads on what named an id that is an alias now.
_ADD = (
    f"""
    DELETE FROM record_aliases a USING {_NAMED}
    WHERE a.table_name = n.table_name AND a.alias_id = n.canonical_id
    """,
    f"""
    INSERT INTO record_aliases SELECT n.table_name, n.id, n.canonical_id FROM {_NAMED}
    ON CONFLICT (table_name, alias_id) DO UPDATE SET canonical_id = excluded.canonical_id
    """,
    f"""
    UPDATE record_aliases a SET canonical_id = n.canonical_id FROM {_NAMED}
    WHERE a.table_name = n.table_name AND a.canonical_id = n.id
    """,
)


async def canonical(connection: Connection, keys: Iterable[Key]) -> dict[Key, Key]:
    """What those of `keys` name that are aliases."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        if BY_NAME[key.table].natural_key:
            ids[key.table].append(key.id)
    return {
        Key(table, row["alias_id"]): Key(table, row["canonical_id"])
        for table, asked in ids.items()
        for row in await connection.fetch(_canonical(table), asked)
    }


async def of_deleted(connection: Connection, records: Iterable[Record]) -> dict[Key, Key]:
    """What those of `records` name that are deleted and aliases."""
    return await canonical(connection, [record.key for record in records if record.deleted])


async def holders(
    connection: Connection, wanted: Collection[NaturalKey]
) -> dict[NaturalKey, Record]:
    """The live rows that have these natural keys, locked until the transaction ends."""
    found = {}
    for table in BY_NAME.values():
        keys = [dict(zip(table.natural_key, k.values, strict=True)) for k in _of(table, wanted)]
        if keys:
            for row in await connection.fetch(_holders(table), _json(keys)):
                record = rows.record_of(table, row)
                key = natural_key(record)
                assert key is not None
                found[key] = record
    return found


async def add(connection: Connection, aliases: Sequence[Alias]) -> None:
    """Makes these ids name other records, also where other aliases or references named them."""
    ends = to_the_end(aliases)
    named = (
        [alias.table for alias in ends],
        [alias.id for alias in ends],
        [alias.canonical_id for alias in ends],
    )
    for sql in _ADD:
        await connection.execute(sql, *named)
    for table, column, target in REFERENCES:
        ids = [alias.id for alias in aliases if alias.table == target.name]
        await connection.execute(_redirect(table, column, target), ids)


async def taken(
    connection: Connection, table: Table, chunk: Sequence[dict[str, object]]
) -> list[Alias]:
    """Aliases for those of the rows `chunk` whose natural keys live rows of other ids have."""
    found = await connection.fetch(_taken(table), _json(chunk))
    return [Alias(table.name, row["id"], row["canonical_id"]) for row in found]


def _of(table: Table, wanted: Iterable[NaturalKey]) -> list[NaturalKey]:
    return [key for key in wanted if key.table == table.name]


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()


@cache
def _canonical(table: str) -> str:
    return f"""
        SELECT a.alias_id::text, a.canonical_id::text FROM record_aliases a
        WHERE a.table_name = '{table}' AND a.alias_id = ANY($1::uuid[])
          AND (SELECT t.deleted_at IS NULL FROM {table} t WHERE t.id = a.alias_id) IS NOT TRUE
    """


def _same(table: Table, one: str, other: str) -> str:
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in table.natural_key)


@cache
def _holders(table: Table) -> str:
    """OFFSET 0 keeps the planner from reading the whole table for a few hundred keys."""
    return f"""
        SELECT {rows.selected(table, "t")}, {doubts.selected(table, "t")} FROM {table.name} t
        WHERE t.deleted_at IS NULL AND t.id = ANY(ARRAY(
          SELECT h.id FROM json_to_recordset($1::json) AS k({rows.recordset(table)})
          CROSS JOIN LATERAL (
            SELECT x.id FROM {table.name} x
            WHERE {_same(table, "x", "k")} AND x.deleted_at IS NULL OFFSET 0
          ) h
        ))
        ORDER BY t.id FOR UPDATE OF t
    """


@cache
def _taken(table: Table) -> str:
    return f"""
        SELECT r.id::text, t.id::text AS canonical_id
        FROM json_to_recordset($1::json) AS r({rows.recordset(table)})
        JOIN {table.name} t ON {_same(table, "t", "r")}
        WHERE t.deleted_at IS NULL AND r.deleted_at IS NULL AND t.id <> r.id
          AND NOT EXISTS (SELECT FROM {table.name} o WHERE o.id = r.id AND o.deleted_at IS NULL)
    """


@cache
def _redirect(table: Table, column: str, target: Table) -> str:
    return f"""
        UPDATE {table.name} t SET {column} = a.canonical_id FROM record_aliases a
        WHERE a.table_name = '{target.name}' AND a.alias_id = ANY($1::uuid[])
          AND t.{column} = a.alias_id
    """
