"""Loading a package's rows from its staging database into PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite
import msgspec
from asyncpg import Connection

from hotspot.errors import TryLater
from hotspot.model.records import Key
from hotspot.model.tables import BY_NAME, CONTENT_TABLES, CONTEXT_TABLES, REFERENCES, Table
from hotspot.upstream import aliases, authors, rows
from hotspot.upstream.database import RACED

CHUNK = 2_000
"""Rows in one statement."""
ATTEMPTS = 5
PAUSE_S = 0.5

_REFERRING = tuple(table for table, _, _ in REFERENCES)
_TABLES = (
    *CONTEXT_TABLES,
    *(table for table in CONTENT_TABLES if table not in _REFERRING),
    *_REFERRING,
)
"""What others refer to comes before them: then it is known what its ids name."""

_NAMING = {
    table.name: [
        ("id", table.name),
        *((column, target.name) for referring, column, target in REFERENCES if referring is table),
    ]
    for table in CONTENT_TABLES
    if table.natural_key
}
"""The columns of ids that may be aliases, and of which table, by table."""


async def load(connection: Connection, staging: Path) -> dict[str, int]:
    """Writes what is new, or newer than here, in one transaction.

    A row with the content that is here already stays as it is. One whose natural key a live row of
    another id has becomes that row, where it is newer, and its id an alias. Returns the rows
    written by table. Raises TryLater where others go on changing the same records.
    """
    for attempt in range(ATTEMPTS):
        await asyncio.sleep(attempt * random.uniform(0, PAUSE_S))
        with suppress(*RACED):
            return await _load(connection, staging)
    raise TryLater("Others are changing the same records; try again later.")


async def _load(connection: Connection, staging: Path) -> dict[str, int]:
    async with _reading(staging) as source, connection.transaction():
        await connection.execute("SELECT set_config('hotspot.change_source', 'import', true)")
        return {table.name: await _load_table(connection, source, table) for table in _TABLES}


async def _load_table(connection: Connection, source: aiosqlite.Connection, table: Table) -> int:
    written = 0
    async for chunk in _chunks(source, table):
        if table.natural_key:
            found = await aliases.taken(connection, table, chunk)
            if found:
                await aliases.add(connection, found)
        written += await _write(connection, table, await _renamed(connection, table, chunk))
    return written


async def _renamed(
    connection: Connection, table: Table, chunk: Sequence[dict[str, Any]]
) -> Sequence[dict[str, Any]]:
    """The rows under the ids that theirs name, as are those that they refer to."""
    for column, target in _NAMING.get(table.name, ()):
        ids = {Key(target, row[column]) for row in chunk if row[column] is not None}
        names = await aliases.canonical(connection, ids)
        for row in chunk if names else ():
            key = Key(target, row[column])
            row[column] = names.get(key, key).id
    return chunk


@asynccontextmanager
async def _reading(staging: Path) -> AsyncIterator[aiosqlite.Connection]:
    uri = f"file:{quote(str(staging))}?mode=ro&immutable=1"
    async with aiosqlite.connect(uri, uri=True) as source:
        yield source


async def _chunks(
    source: aiosqlite.Connection, table: Table
) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """The rows of one table, by column; deleted ones first, because they free natural keys."""
    names = _names(table)
    for deleted in ("NOT NULL", "NULL"):
        sql = f"SELECT {', '.join(names)} FROM {table.name} WHERE deleted_at IS {deleted}"
        async with source.execute(sql) as cursor:
            while found := await cursor.fetchmany(CHUNK):
                yield [dict(zip(names, row, strict=True)) for row in found]


async def _write(connection: Connection, table: Table, chunk: Sequence[dict[str, Any]]) -> int:
    await authors.make_known(
        connection,
        ((row[name], None) for row in chunk for name in ("updated_by", "created_by")),
    )
    status = await connection.execute(_newer(table), msgspec.json.encode(chunk).decode())
    return int(status.split()[-1])


def _names(table: Table) -> list[str]:
    return ["id", *(column.name for column in rows.columns(table))]


@cache
def _newer(table: Table) -> str:
    names = _names(table)
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
    differs = " AND excluded.content_hash <> t.content_hash" if table.name in BY_NAME else ""
    return (
        f"INSERT INTO {table.name} AS t ({', '.join(names)})"
        f" SELECT {', '.join(names)} FROM json_to_recordset($1::json) AS r({rows.recordset(table)})"
        f" ON CONFLICT (id) DO UPDATE SET {updates}"
        f" WHERE excluded.updated_at > t.updated_at{differs}"
    )
