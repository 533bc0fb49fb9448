"""How far the stamps of rows may be off, where they are not exact."""

from collections.abc import Iterable

import msgspec
from asyncpg import Connection

from hotspot.model.records import Record
from hotspot.model.tables import Table

_KEEP = """
INSERT INTO stamp_doubts
SELECT * FROM json_to_recordset($1::json)
  AS d(table_name text, record_id uuid, version text, doubt_ms bigint)
ON CONFLICT (record_id, table_name) DO UPDATE SET
  version = excluded.version, doubt_ms = excluded.doubt_ms
"""


def selected(table: Table, source: str) -> str:
    """What to select of the rows `source` beside `rows.selected`, where they are to be judged."""
    version = f"canonical({source}.updated_at) || '~' || {source}.content_hash"
    return (
        f"coalesce((SELECT d.doubt_ms FROM stamp_doubts d WHERE d.record_id = {source}.id"
        f" AND d.table_name = '{table.name}' AND d.version = {version}), 0) AS doubt_ms"
    )


async def keep(connection: Connection, records: Iterable[Record]) -> None:
    """Remembers the doubts about those of `records` whose stamps are not exact."""
    told = [
        {
            "table_name": record.table,
            "record_id": record.id,
            "version": record.version,
            "doubt_ms": record.doubt_ms,
        }
        for record in records
        if record.doubt_ms > 0
    ]
    if told:
        await connection.execute(_KEEP, msgspec.json.encode(told).decode())
