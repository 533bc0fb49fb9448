"""Natural keys and aliases in the hotspot's database."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache

import aiosqlite

from hotspot.model.aliases import Alias, NaturalKey, natural_key, to_the_end
from hotspot.model.records import Key, Record
from hotspot.model.tables import BY_NAME, REFERENCES
from hotspot.store.rows import as_json, by_table, fetch, read_rows

_CANONICAL = """
SELECT a.alias_id, a.canonical_id
FROM json_each(?) k CROSS JOIN record_aliases a ON a.table_name = ? AND a.alias_id = k.value
"""

# The last statement leads on what named an id that is an alias now.
_ADD = (
    """
    DELETE FROM record_aliases WHERE (table_name, alias_id) IN (
      SELECT value ->> 0, value ->> 2 FROM json_each(:aliases))
    """,
    """
    INSERT INTO record_aliases SELECT value ->> 0, value ->> 1, value ->> 2
    FROM json_each(:aliases) WHERE true
    ON CONFLICT (table_name, alias_id) DO UPDATE SET canonical_id = excluded.canonical_id
    """,
    """
    UPDATE record_aliases SET canonical_id = value ->> 2 FROM json_each(:aliases)
    WHERE table_name = value ->> 0 AND canonical_id = value ->> 1
    """,
)

_FORGET = """
DELETE FROM record_aliases WHERE table_name = ? AND alias_id IN (SELECT value FROM json_each(?))
"""

# Of two marks the one of an edit that waits stays, and of two that wait the later.
_MOVE = (
    """
    DELETE FROM record_sync_status WHERE id IN (
      SELECT iif(
        (n.sync_status = 'pending', n.edited_seq) > (o.sync_status = 'pending', o.edited_seq),
        o.id, n.id)
      FROM json_each(:aliases)
      CROSS JOIN record_sync_status o ON o.table_name = value ->> 0 AND o.record_id = value ->> 1
      CROSS JOIN record_sync_status n ON n.table_name = value ->> 0 AND n.record_id = value ->> 2)
    """,
    """
    UPDATE record_sync_status SET record_id = value ->> 2 FROM json_each(:aliases)
    WHERE table_name = value ->> 0 AND record_id = value ->> 1
    """,
    """
    UPDATE OR REPLACE losing_versions SET record_id = value ->> 2 FROM json_each(:aliases)
    WHERE table_name = value ->> 0 AND record_id = value ->> 1
    """,
)


async def canonical(connection: aiosqlite.Connection, keys: Collection[Key]) -> dict[Key, Key]:
    """What those of `keys` name that are aliases."""
    found = {}
    for table, ids in by_table(keys).items():
        for alias_id, id_ in await fetch(connection, _CANONICAL, (as_json(ids), table)):
            found[Key(table, alias_id)] = Key(table, id_)
    return found


async def of_deleted(connection: aiosqlite.Connection, records: Iterable[Record]) -> dict[Key, Key]:
    """What those of `records` name that are deleted and aliases."""
    return await canonical(connection, [record.key for record in records if record.deleted])


async def holders(
    connection: aiosqlite.Connection, wanted: Iterable[NaturalKey], guessing_in: str | None
) -> dict[NaturalKey, Record]:
    """The live rows that have these natural keys. `guessing_in`: as for `rows.read_rows`."""
    values: dict[str, list[Sequence[object]]] = {}
    for key in wanted:
        values.setdefault(key.table, []).append(key.values)
    keys = [
        Key(table, id_)
        for table, rows in values.items()
        for (id_,) in await fetch(connection, _holders_sql(table), (as_json(rows),))
    ]
    found = (await read_rows(connection, keys, guessing_in)).values()
    held = ((natural_key(row), row) for row in found)
    return {key: row for key, row in held if key is not None}


@cache
def _holders_sql(table: str) -> str:
    columns = enumerate(BY_NAME[table].natural_key)
    same = " AND ".join(f"t.{name} = k.value ->> {place}" for place, name in columns)
    return f"""
        SELECT t.id FROM json_each(?) k CROSS JOIN {table} t ON {same} WHERE t.deleted_at IS NULL
    """


async def add(connection: aiosqlite.Connection, aliases: Sequence[Alias]) -> None:
    """Makes these ids name other records, also where other aliases named them."""
    for sql in _ADD:
        await connection.execute(sql, {"aliases": _rows(to_the_end(aliases))})


async def forget(connection: aiosqlite.Connection, live: Iterable[Record]) -> None:
    """The ids of these live rows name nothing else any more."""
    keys = [row.key for row in live if BY_NAME[row.table].natural_key]
    for table, ids in by_table(keys).items():
        await connection.execute(_FORGET, (table, as_json(ids)))


async def move(connection: aiosqlite.Connection, aliases: Sequence[Alias]) -> None:
    """Moves the marks of edits and the losing versions of aliases to what these name."""
    for sql in _MOVE:
        await connection.execute(sql, {"aliases": _rows(aliases)})


async def referring(connection: aiosqlite.Connection, aliases: Collection[Alias]) -> list[Record]:
    """The rows that refer to these aliases."""
    keys = []
    for table, column, target in REFERENCES:
        ids = as_json([alias.id for alias in aliases if alias.table == target.name])
        sql = f"""
            SELECT t.id FROM json_each(?) k CROSS JOIN {table.name} t ON t.{column} = k.value
        """
        keys += [Key(table.name, id_) for (id_,) in await fetch(connection, sql, (ids,))]
    return list((await read_rows(connection, keys)).values())


def _rows(aliases: Iterable[Alias]) -> str:
    return as_json([[alias.table, alias.id, alias.canonical_id] for alias in aliases])
