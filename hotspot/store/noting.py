"""What the edits of each device replaced: for taking them back."""

from collections.abc import Sequence

import aiosqlite

from hotspot.model.stores import Accepted
from hotspot.store.rows import as_json

_NOTE = """
INSERT INTO device_edits (device_id, table_name, record_id, hash, former_hash, former_json)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM json_each(?) WHERE true
ON CONFLICT (device_id, table_name, record_id) DO UPDATE SET
  former_hash = iif(hash = excluded.former_hash, former_hash, excluded.former_hash),
  former_json = iif(hash = excluded.former_hash, former_json, excluded.former_json),
  hash = excluded.hash
"""


async def note_edits(connection: aiosqlite.Connection, edits: Sequence[Accepted]) -> None:
    """Keeps what devices' edits replaced; of one that follows its own, what was before those."""
    noted = [_noted(edit) for edit in edits if edit.provenance.device_id is not None]
    if noted:
        await connection.execute(_NOTE, (as_json(noted),))


def _noted(edit: Accepted) -> list[str | None]:
    record, replaced = edit.record, edit.replaced
    return [
        edit.provenance.device_id,
        record.table,
        record.id,
        record.hash,
        replaced.hash if replaced else None,
        as_json(replaced) if replaced else None,
    ]
