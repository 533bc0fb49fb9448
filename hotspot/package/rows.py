"""Checking one row of a package's database. Nothing here reads or writes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hotspot.errors import PackageRefused
from hotspot.model import records
from hotspot.model.digest import row_hash
from hotspot.model.records import Value
from hotspot.model.tables import (
    BY_NAME,
    CONTENT_TABLES,
    CONTEXT_TABLES,
    STAMP_COLUMNS,
    ScopeKind,
    Table,
    Type,
)
from hotspot.package.manifest import Manifest

STAMPS = tuple(column.name for column in STAMP_COLUMNS)

_BOOK = r"[1-9]?[a-z]{2,12}"
_NUMBER = r"(?:0|[1-9][0-9]{0,2})"
CHAPTER_ID = re.compile(rf"({_BOOK})-({_NUMBER})")
VERSE_ID = re.compile(rf"({_BOOK})-({_NUMBER})-({_NUMBER})")

CONTEXT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
REFERENCES = {
    "verse_id": (VERSE_ID, "verse"),
    "start_verse_id": (VERSE_ID, "verse"),
    "end_verse_id": (VERSE_ID, "verse"),
    "chapter_id": (CHAPTER_ID, "chapter"),
}
_INSTANTS = tuple(column.name for column in STAMP_COLUMNS if column.type is Type.INSTANT)


COLUMN_NAMES = {
    table.name: ("id", *(column.name for column in table.columns), *STAMPS)
    for table in (*CONTENT_TABLES, *CONTEXT_TABLES)
}
"""The columns of a row, in a package and in staging, by the table's name."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a package's rows must keep to.

    `latest`: times later than this are taken to be this. `versions`: the one version of each kind
    that rows may belong to.
    """

    latest: str
    versions: Mapping[ScopeKind, str | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A checked row: its values in the order of COLUMN_NAMES.

    `hashes`: the content hash and the row hash; empty in tables that only give context.
    """

    values: tuple[Value, ...]
    hashes: tuple[str, int] | tuple[()]


def bounds_of(manifest: Manifest, latest: str | None) -> Bounds:
    """The bounds that a manifest sets; `latest`, if given, holds where it is earlier."""
    created = manifest.created_at
    return Bounds(
        created if latest is None else min(created, latest),
        {
            ScopeKind.TEXT: manifest.text_version_id,
            ScopeKind.AUDIO: manifest.audio_version_id,
        },
    )


def check_row(table: Table, raw: Mapping[str, object], bounds: Bounds) -> Row:
    """The row with every value in canonical form.

    `raw`: values as SQLite gives them, by column; missing ones are null. Raises PackageRefused.
    """
    check = _content if table.name in BY_NAME else _context
    try:
        return check(table, raw, bounds)
    except ValueError as error:
        row = str(raw.get("id"))[:80]
        raise PackageRefused(
            f"The row {row!r} of the package's table {table.name} cannot be used: {error}"
        ) from None


def _content(table: Table, raw: Mapping[str, object], bounds: Bounds) -> Row:
    record_id = raw.get("id")
    if not isinstance(record_id, str):
        raise ValueError("It has no id.")
    fields = records.parse(table, record_id, _with_booleans(table, raw))
    _claim(table, record_id, fields, bounds)
    _clamp(fields, bounds.latest)
    for name in REFERENCES.keys() & fields.keys():
        _check_reference(name, fields[name])
    updated_at = fields.get("updated_at")
    if not isinstance(updated_at, str):
        raise ValueError("It has no updated_at.")
    record = records.build(table, record_id, fields, updated_at)
    number = row_hash(record_id, updated_at, record.hash)
    return Row(_ordered(table, record_id, fields), (record.hash, number))


def _context(table: Table, raw: Mapping[str, object], bounds: Bounds) -> Row:
    """Only what would harm is refused: these rows name things, and are never edited or sent."""
    record_id = raw.get("id")
    if not isinstance(record_id, str) or not CONTEXT_ID.fullmatch(record_id):
        raise ValueError("Its id is not one.")
    fields: dict[str, Value] = {}
    for column in (*table.columns, *STAMP_COLUMNS):
        fields[column.name] = records.check(column, raw.get(column.name))
        if column.required and fields[column.name] is None:
            raise ValueError(f"It has no {column.name}.")
    _clamp(fields, bounds.latest)
    return Row(_ordered(table, record_id, fields), ())


def _ordered(table: Table, record_id: str, fields: Mapping[str, Value]) -> tuple[Value, ...]:
    return (record_id, *(fields.get(name) for name in COLUMN_NAMES[table.name][1:]))


def _clamp(fields: dict[str, Value], latest: str) -> None:
    for name in _INSTANTS:
        value = fields.get(name)
        if isinstance(value, str):
            fields[name] = min(value, latest)


def _claim(table: Table, record_id: str, fields: dict[str, Value], bounds: Bounds) -> None:
    """Gives a row that names no version the package's own; refuses one of another version."""
    assert table.scope_kind is not None
    own = bounds.versions[table.scope_kind]
    if table.scope_column != "id" and fields.get(table.scope_column) is None:
        fields[table.scope_column] = own
    scope = table.scope_of(record_id, dict(fields))
    if scope is None or scope.id != own:
        raise ValueError(f"It belongs to another version than the package ({own}).")


def _with_booleans(table: Table, raw: Mapping[str, object]) -> dict[str, object]:
    """SQLite has no booleans: 0 and 1 stand for them."""
    row = dict(raw)
    for column in table.columns:
        value = row.get(column.name)
        if column.type is Type.BOOLEAN and isinstance(value, int) and value in (0, 1):
            row[column.name] = bool(value)
    return row


def _check_reference(name: str, value: Value) -> None:
    pattern, what = REFERENCES[name]
    if isinstance(value, str) and not pattern.fullmatch(value):
        raise ValueError(f"{name} is {value[:80]!r}, which is not the id of a {what}.")
