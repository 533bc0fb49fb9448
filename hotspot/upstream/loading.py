"""Loading a package's rows from its staging database into PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite
import msgspec
from asyncpg import Connection

from hotspot.model.tables import BY_NAME, CONTENT_TABLES, CONTEXT_TABLES, Table
from hotspot.upstream import authors, rows

CHUNK = 2_000
"""Rows in one statement."""


async def load(connection: Connection, staging: Path) -> dict[str, int]:
    """Writes what is new, or newer than here, in one transaction.

    A row with the content that is here already stays as it is. Returns the rows written by table.
    """
    written = {}
    async with _reading(staging) as source, connection.transaction():
        await connection.execute("SELECT set_config('hotspot.change_source', 'import', true)")
        for table in (*CONTEXT_TABLES, *CONTENT_TABLES):
            written[table.name] = 0
            async for chunk in _chunks(source, table):
                written[table.name] += await _write(connection, table, chunk)
    return written


@asynccontextmanager
async def _reading(staging: Path) -> AsyncIterator[aiosqlite.Connection]:
    uri = f"file:{quote(str(staging))}?mode=ro&immutable=1"
    async with aiosqlite.connect(uri, uri=True) as source:
        yield source


async def _chunks(
    source: aiosqlite.Connection, table: Table
) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """The rows of one table, by column."""
    names = _names(table)
    async with source.execute(f"SELECT {', '.join(names)} FROM {table.name}") as cursor:
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
