"""Rows of the content tables as records, and records as rows.

Statements take all their records as one JSON text: one statement is one hand-over to SQLite's
thread, however many rows it has.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import aiosqlite
import msgspec

from hotspot.model.digest import row_hash
from hotspot.model.records import Key, Record
from hotspot.model.tables import BY_NAME, Table, Type
from hotspot.model.timeline import UNDATED_MS

STAMPS = ("created_at", "created_by", "updated_at", "updated_by")


@dataclass(frozen=True, slots=True)
class Statements:
    """The SQL of one table, and how its rows are read.

    `names`: the content columns, in the order of a row after its id. `booleans`: those of them
    that SQLite gives back as 0 and 1. `move`: for rows whose version or natural key changes; empty
    where a table has neither.
    """

    names: tuple[str, ...]
    booleans: tuple[str, ...]
    select: str
    upsert: str
    move: str


def _statements(table: Table) -> Statements:
    names = tuple(column.name for column in table.content)
    return Statements(
        names=names,
        booleans=tuple(c.name for c in table.content if c.type is Type.BOOLEAN),
        select=_select(table, names),
        upsert=_upsert(table, names),
        move=_move(table, names),
    )


# A stamp that another boot guessed, or this one before it knew the time, says nothing yet.
_DOUBT = f"""
iif(s.sync_status = 'pending',
  iif(s.boot_id IS NOT NULL AND s.boot_id IS NOT ?2, {UNDATED_MS}, s.doubt_ms), 0)
"""


def _select(table: Table, names: Sequence[str]) -> str:
    columns = ", ".join(f"t.{name}" for name in ("id", *names, *STAMPS, "content_hash"))
    return f"""
        SELECT {columns}, s.former_version, {_DOUBT}
        FROM json_each(?1) k CROSS JOIN {table.name} t ON t.id = k.value
        LEFT JOIN record_sync_status s ON s.table_name = '{table.name}' AND s.record_id = t.id
    """


def _upsert(table: Table, names: Sequence[str]) -> str:
    columns = ("id", *names, *STAMPS, "content_hash", "row_hash")
    values = ", ".join(f"value ->> {index}" for index in range(len(columns)))
    changed = ", ".join(
        f"{name} = excluded.{name}" for name in columns[1:] if name not in table.fixed
    )
    stamp = columns.index("updated_at")
    return f"""
        INSERT INTO {table.name} ({", ".join(columns)}, seq, sync_status, local_updated_at)
        SELECT {values}, :seq, :status, iif(:status = 'pending', value ->> {stamp}, NULL)
        FROM json_each(:rows) WHERE true
        ON CONFLICT (id) DO UPDATE SET {changed}, seq = excluded.seq,
          sync_status = excluded.sync_status,
          local_updated_at = coalesce(excluded.local_updated_at, local_updated_at)
    """


def _move(table: Table, names: Sequence[str]) -> str:
    """Apart from the upsert, which would write the indexes of these columns anew for every row."""
    fixed = [(name, f"r.value ->> {1 + names.index(name)}") for name in sorted(table.fixed)]
    if not fixed:
        return ""
    sets = ", ".join(f"{name} = {value}" for name, value in fixed)
    differ = " OR ".join(f"t.{name} IS NOT {value}" for name, value in fixed)
    return f"""
        UPDATE {table.name} AS t SET {sets} FROM json_each(?) r
        WHERE t.id = r.value ->> 0 AND ({differ})
    """


STATEMENTS = {table.name: _statements(table) for table in BY_NAME.values()}


async def fetch(
    connection: aiosqlite.Connection,
    sql: str,
    parameters: Sequence[Any] | dict[str, Any] = (),
) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    rows = await connection.execute_fetchall(sql, cast(Iterable[Any], parameters))
    return cast(list[tuple[Any, ...]], rows)


def as_json(value: object) -> str:
    """The JSON text that a statement takes."""
    return msgspec.json.encode(value).decode()


def by_table(keys: Iterable[Key]) -> dict[str, list[str]]:
    """Ids of records by the names of their tables."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        found[key.table].append(key.id)
    return found


async def read_rows(
    connection: aiosqlite.Connection, keys: Collection[Key], guessing_in: str | None = None
) -> dict[Key, Record]:
    """The current rows; missing ones are left out.

    `guessing_in`: the boot whose guess the time is; stamps by another guess are in doubt.
    """
    found = {}
    for name, ids in by_table(keys).items():
        statements = STATEMENTS[name]
        for row in await fetch(connection, statements.select, (as_json(ids), guessing_in)):
            record = _record(name, statements, row)
            found[record.key] = record
    return found


def _record(table: str, statements: Statements, row: tuple[Any, ...]) -> Record:
    end = 1 + len(statements.names)
    values = dict(zip(statements.names, row[1:end], strict=True))
    for name in statements.booleans:
        if values[name] is not None:
            values[name] = bool(values[name])
    created_at, created_by, updated_at, updated_by, content_hash, former, doubt_ms = row[end:]
    return Record(
        table=table,
        id=row[0],
        values=values,
        updated_at=updated_at,
        hash=content_hash,
        updated_by=updated_by,
        created_at=created_at,
        created_by=created_by,
        former=former,
        doubt_ms=doubt_ms,
    )


async def write_rows(
    connection: aiosqlite.Connection, records: Iterable[Record], *, seq: int, status: str
) -> None:
    """Makes `records` current, with this feed position and this sync status."""
    rows: dict[str, list[list[Any]]] = defaultdict(list)
    for record in records:
        content = [record.values[name] for name in STATEMENTS[record.table].names]
        stamps = [record.created_at, record.created_by, record.updated_at, record.updated_by]
        number = row_hash(record.id, record.updated_at, record.hash)
        rows[record.table].append([record.id, *content, *stamps, record.hash, number])
    for name, written in rows.items():
        statements, given = STATEMENTS[name], as_json(written)
        await connection.execute(statements.upsert, {"rows": given, "seq": seq, "status": status})
        if statements.move:
            await connection.execute(statements.move, (given,))
