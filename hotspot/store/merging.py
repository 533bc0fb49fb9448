"""Merging the records of a package, set-wise: a record is judged where it lies.

All of it runs in the one transaction that makes the package visible. `staging` is the package's
database, attached.
"""

from collections.abc import Iterable

import aiosqlite

from hotspot.model.aliases import Alias
from hotspot.model.catalogue import PublishCounts
from hotspot.model.records import Key
from hotspot.model.stores import Loser
from hotspot.model.tables import BY_NAME, CONTENT_TABLES, CONTEXT_TABLES, REFERENCES, Table, Type
from hotspot.store.rows import STAMPS, as_json, fetch
from hotspot.store.transaction import Transaction

_UUID = Type.UUID


async def merge(connection: aiosqlite.Connection, package_id: str, now: str) -> PublishCounts:
    """Merges every row of `staging`. `now`: of the losing versions that this leaves behind."""
    tx = Transaction(connection, now)
    rows, written = {}, {}
    for table in (*CONTEXT_TABLES, *CONTENT_TABLES):
        found = await fetch(connection, f"SELECT count(*) FROM staging.{table.name}")
        rows[table.name] = int(found[0][0])
        if table.name not in BY_NAME:
            written[table.name] = (await connection.execute(_context_sql(table))).rowcount
        else:
            written[table.name] = await _merge_content(connection, tx, table, package_id)
    for table, column, target in REFERENCES:
        named = await fetch(connection, _referred_sql(table, column, target))
        if named:
            await tx.add_aliases([Alias(target.name, *names) for names in named])
    return PublishCounts(rows, written)


async def _merge_content(
    connection: aiosqlite.Connection, tx: Transaction, table: Table, package_id: str
) -> int:
    """Merges one table; returns the rows written. Deletions come first: they free natural keys."""
    if not table.natural_key or not await _meet(connection, table):
        return await _write(connection, tx, table, package_id, "true")
    written = await _write(connection, tx, table, package_id, "p.deleted_at IS NOT NULL")
    taken = await fetch(connection, _taken_sql(table))
    if taken:
        await tx.add_aliases([Alias(table.name, *names) for names in taken])
    return written + await _write(connection, tx, table, package_id, "p.deleted_at IS NULL")


async def _meet(connection: aiosqlite.Connection, table: Table) -> bool:
    """Whether rows of the package and rows here can be about the same things."""
    ((meet,),) = await fetch(connection, _meet_sql(table))
    return bool(meet)


async def _write(
    connection: aiosqlite.Connection, tx: Transaction, table: Table, package_id: str, which: str
) -> int:
    await _keep_edited(connection, tx, table, which)
    cursor = await connection.execute(_content_sql(table, which), (await tx.seq(), package_id))
    return cursor.rowcount


def _columns(table: Table) -> list[str]:
    return ["id", *(column.name for column in table.content), *STAMPS]


def _replacing(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns)


def _replaces(table: Table, new: str, old: str) -> str:
    """The condition on which a package's row `new` replaces the row `old` that it names.

    A row never moves to another version or verse: a package can only change what it names.
    """
    fixed = " AND ".join(f"{new}.{name} IS {old}.{name}" for name in sorted(table.fixed))
    return f"""{new}.updated_at > {old}.updated_at AND {new}.content_hash <> {old}.content_hash
        {"AND " + fixed if fixed else ""} AND NOT EXISTS (
          SELECT 1 FROM record_sync_status w WHERE w.table_name = '{table.name}'
          AND w.record_id = {old}.id AND w.sync_status <> 'synced')"""


def _content_sql(table: Table, which: str) -> str:
    columns = [*_columns(table)[1:], "content_hash"]
    names = ", ".join(columns)
    values = ", ".join(f"p.{name}" for name in columns)
    return f"""
        INSERT INTO main.{table.name} (id, {names}, row_hash, seq, sync_status, import_source)
        SELECT coalesce(a.canonical_id, p.id), {values}, iif(a.canonical_id IS NULL, p.row_hash,
            row_hash(a.canonical_id, p.updated_at, p.content_hash)), ?, 'synced', ?
        FROM staging.{table.name} p
        LEFT JOIN record_aliases a ON a.table_name = '{table.name}' AND a.alias_id = p.id
        WHERE {which}
        ON CONFLICT (id) DO UPDATE SET {_replacing([*columns, "row_hash"])}, seq = excluded.seq,
          sync_status = excluded.sync_status, import_source = excluded.import_source
        WHERE {_replaces(table, "excluded", table.name)}
    """


def _meet_sql(table: Table) -> str:
    column = next(c.name for c in table.columns if c.name in table.natural_key and c.type is _UUID)
    return f"""
        SELECT EXISTS (
          SELECT 1 FROM (SELECT DISTINCT {column} AS id FROM staging.{table.name}) p
          CROSS JOIN main.{table.name} m ON m.{column} = p.id)
    """


def _taken_sql(table: Table) -> str:
    """The rows of the package whose natural keys live rows of other ids have, and those ids.

    Only what has no live row of its own is looked at: which that is the indexes of ids say.
    """
    same = " AND ".join(f"m.{name} = p.{name}" for name in table.natural_key)
    return f"""
        SELECT p.id, m.id FROM (
          SELECT id FROM staging.{table.name} n
          WHERE NOT EXISTS (SELECT 1 FROM main.{table.name} o WHERE o.id = n.id)
          UNION ALL SELECT id FROM main.{table.name} WHERE deleted_at IS NOT NULL) c
        CROSS JOIN staging.{table.name} p ON p.id = c.id
        CROSS JOIN main.{table.name} m ON {same}
        WHERE p.deleted_at IS NULL AND m.deleted_at IS NULL
    """


def _referred_sql(table: Table, column: str, target: Table) -> str:
    """The aliases that rows refer to."""
    return f"""
        SELECT DISTINCT a.alias_id, a.canonical_id
        FROM record_aliases a CROSS JOIN main.{table.name} t ON t.{column} = a.alias_id
        WHERE a.table_name = '{target.name}'
    """


def _context_sql(table: Table) -> str:
    columns = _columns(table)
    names = ", ".join(columns)
    return f"""
        INSERT INTO main.{table.name} ({names})
        SELECT {names} FROM staging.{table.name} WHERE true
        ON CONFLICT (id) DO UPDATE SET {_replacing(columns[1:])}
        WHERE excluded.updated_at > coalesce({table.name}.updated_at, '')
    """


async def _keep_edited(
    connection: aiosqlite.Connection, tx: Transaction, table: Table, which: str
) -> None:
    """Keeps the versions that were edited here and are about to be replaced."""
    found = await fetch(
        connection,
        f"""
        SELECT n.record_id, p.updated_at || '~' || p.content_hash
        FROM (
          SELECT record_id, record_id AS id FROM record_sync_status WHERE table_name = :table
          UNION ALL SELECT s.record_id, a.alias_id
          FROM record_sync_status s JOIN record_aliases a
            ON a.table_name = s.table_name AND a.canonical_id = s.record_id
          WHERE s.table_name = :table) n
        CROSS JOIN staging.{table.name} p ON p.id = n.id
        CROSS JOIN main.{table.name} m ON m.id = n.record_id
        WHERE {which} AND {_replaces(table, "p", "m")}
        """,
        {"table": table.name},
    )
    if not found:
        return
    held = await tx.current([Key(table.name, id_) for id_, _ in found])
    reason = "A package brought a later version."
    await tx.keep_losers(
        [Loser(held[Key(table.name, id_)], won, "server_wins", reason) for id_, won in found]
    )
    await connection.execute(
        """
        DELETE FROM record_sync_status
        WHERE table_name = ? AND record_id IN (SELECT value FROM json_each(?))
        """,
        (table.name, as_json([id_ for id_, _ in found])),
    )
