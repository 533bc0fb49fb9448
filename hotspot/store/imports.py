"""What became of the package files that were met."""

from typing import Any

import aiosqlite
import msgspec

from hotspot.model.imports import ImportRecord
from hotspot.model.plan import ImportAction
from hotspot.store.part import Part
from hotspot.store.rows import as_json

KEPT = 500
"""Records; a stick that is put in every day must not fill the card."""

_KEEP = """
INSERT OR REPLACE INTO imports (id, source, outcome, sentence, package_id, rows_json, seconds, at)
SELECT coalesce(max(id), 0) + 1, :source, :outcome, :sentence, :package_id, :rows, :seconds, :at
FROM imports
"""
_FORGET = f"DELETE FROM imports WHERE id <= (SELECT max(id) FROM imports) - {KEPT}"
_NEWEST = """
SELECT source, outcome, sentence, package_id, rows_json, seconds, at
FROM (SELECT * FROM imports ORDER BY id DESC LIMIT ?) ORDER BY id
"""


class Imports(Part):
    """`model.imports.ImportLog`."""

    async def keep_import(self, record: ImportRecord) -> None:
        row = {
            "source": record.source,
            "outcome": record.action.value,
            "sentence": record.sentence,
            "package_id": record.package_id,
            "rows": None if record.rows is None else as_json(record.rows),
            "seconds": record.seconds,
            "at": record.at,
        }

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(_KEEP, row)
            await connection.execute(_FORGET)

        await self._database.writer.run(work)

    async def imports(self, limit: int) -> list[ImportRecord]:
        return [_record(*row) for row in await self._database.read(_NEWEST, (limit,))]


def _record(
    source: str,
    outcome: str,
    sentence: str,
    package_id: str | None,
    rows: str | None,
    *when: Any,
) -> ImportRecord:
    return ImportRecord(
        source=source,
        action=ImportAction(outcome),
        sentence=sentence,
        package_id=package_id,
        rows=None if rows is None else msgspec.json.decode(rows, type=dict[str, int]),
        seconds=when[0],
        at=when[1],
    )
