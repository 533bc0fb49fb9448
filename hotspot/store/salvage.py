"""What is taken over from a damaged database into a new one: above all every edit that waits,
and the versions that edits belong to.

The rest comes again, from the packages on the card and from the upstream.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import aiosqlite

from hotspot.model import instants
from hotspot.model.digest import row_hash
from hotspot.model.records import content_hash
from hotspot.model.tables import BY_NAME, Table, Type
from hotspot.store.damage import Remains, Row
from hotspot.store.rows import as_json, fetch

_EDITED = "sync_status IN ('pending', 'conflict') OR id IN (SELECT value FROM json_each(?))"
_ROWS = ("losing_versions", "devices", "answered_batches")
_KEYED = ("record_aliases", "boots", "package_approvals", "fetched_audio", "meta")
_OWN = frozenset({"seq", "row_hash", "import_source", "local_path"})
"""Columns of a record that are about the store that it was in."""


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was read. `records`, `statuses`: by table and id. `others`: rows by table.

    `lost`: the tables of which something could not be read.
    """

    records: dict[tuple[str, str], Row] = field(default_factory=dict)
    statuses: dict[tuple[str, str], Row] = field(default_factory=dict)
    others: dict[str, list[Row]] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    @property
    def waiting(self) -> int:
        """How many edits and conflicts are among it."""
        return sum(row["sync_status"] != "synced" for row in self.statuses.values())


def salvage(remains: Remains) -> Salvage:
    """Everything of use that is sound; a record only if its content is what its hash says."""
    noted = {
        (row["table_name"], row["record_id"]): row
        for row in remains.rows("record_sync_status")
        if _is_status(row)
    }
    records, statuses = {}, {}
    for table in BY_NAME.values():
        ids = as_json([id_ for name, id_ in noted if name == table.name])
        where = f"{_EDITED} OR {str(table.defines_scope).lower()}"
        for row in remains.rows(table.name, where, ids):
            if not _is_record(table, row):
                continue
            key = (table.name, row["id"])
            records[key] = row
            if key in noted or row["sync_status"] != "synced":
                statuses[key] = noted.get(key) or _new_status(table, row)
    others = {name: list(filter(_sound(name), remains.rows(name))) for name in _ROWS}
    others |= {name: list(filter(_sound(name), remains.keyed_rows(name))) for name in _KEYED}
    return Salvage(records, statuses, others, frozenset(remains.lost))


async def take_over(connection: aiosqlite.Connection, found: Salvage) -> None:
    """Writes what was salvaged into a new database, in the transaction under way.

    Edits keep their order, and count as the newest of all that is here.
    """
    seq = 1 + max((row["edited_seq"] for row in found.statuses.values()), default=0)
    floors = [row["value"] for row in found.others["meta"]] if "meta" in found.others else []
    await connection.execute("UPDATE meta SET value = ? WHERE key = 'seq'", (seq,))
    await connection.execute(
        "UPDATE meta SET value = max(value, ?) WHERE key = 'floor_ms'", (max(floors, default=0),)
    )
    records: dict[str, list[Row]] = defaultdict(list)
    for (name, _), row in found.records.items():
        number = row_hash(row["id"], row["updated_at"], row["content_hash"])
        kept = {column: value for column, value in row.items() if column not in _OWN}
        records[name].append({**kept, "seq": seq, "row_hash": number})
    statuses = [
        {column: value for column, value in row.items() if column not in ("id", "batch_id")}
        for row in found.statuses.values()
    ]
    others = {name: rows for name, rows in found.others.items() if name != "meta"}
    for name, rows in {**records, "record_sync_status": statuses, **others}.items():
        await _insert(connection, name, rows)


async def _insert(connection: aiosqlite.Connection, table: str, rows: Sequence[Row]) -> None:
    """Writes rows, without columns that are not known any more; one that does not fit is left."""
    info = await fetch(connection, f"PRAGMA table_info({table})")
    known = {column[1] for column in info}
    for names, alike in groupby(rows, key=lambda row: tuple(sorted(row.keys() & known))):
        marks = ", ".join("?" * len(names))
        await connection.executemany(
            f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})",
            [[row[name] for name in names] for row in alike],
        )


def _new_status(table: Table, row: Row) -> Row:
    """For an edit whose own row of bookkeeping is lost: on what it was made is not known."""
    scope = table.scope_of(row["id"], row)
    return {
        "table_name": table.name,
        "record_id": row["id"],
        "scope_kind": scope.kind.value if scope else None,
        "scope_id": scope.id if scope else None,
        "sync_status": "pending",
        "local_updated_at": row["updated_at"],
        "edited_seq": row["seq"],
        "created_at": row["updated_at"],
    }


def _is_record(table: Table, row: Row) -> bool:
    try:
        values = {column.name: _value(column.type, row[column.name]) for column in table.content}
        instants.to_ms(row["updated_at"])
        return content_hash(table, values) == row["content_hash"] and _whole(row["seq"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return False


def _value(kind: Type, value: Any) -> Any:
    return bool(value) if kind is Type.BOOLEAN and value is not None else value


def _is_status(row: Row) -> bool:
    return (
        row["table_name"] in BY_NAME
        and isinstance(row["record_id"], str)
        and row["sync_status"] in ("pending", "conflict", "synced")
        and _whole(row["edited_seq"])
    )


def _sound(table: str) -> Callable[[Row], bool]:
    return _CHECKS.get(table, lambda row: True)


def _is_loser(row: Row) -> bool:
    try:
        return row["table_name"] in BY_NAME and isinstance(json.loads(row["record_json"]), dict)
    except (ValueError, TypeError):
        return False


def _whole(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 2**53


_CHECKS: dict[str, Callable[[Row], bool]] = {
    "losing_versions": _is_loser,
    "record_aliases": lambda row: row["table_name"] in BY_NAME,
    "meta": lambda row: row["key"] == "floor_ms" and _whole(row["value"]),
    "boots": lambda row: all(map(_whole, (row["after_ms"], row["known_ms"]))),
    "devices": lambda row: isinstance(row["token_hash"], str) and len(row["token_hash"]) == 64,
}
