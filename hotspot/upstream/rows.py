"""Records and rows: the columns to select, and what to build from them and write to them."""

from asyncpg import Record as Row

from hotspot.model.records import Record, Value
from hotspot.model.tables import BY_NAME, STAMP_COLUMNS, Column, Table, Type

_STAMPS = tuple(column for column in STAMP_COLUMNS if column.name != "deleted_at")
_CONTEXT_WITH_UUIDS = ("language_entities",)


def columns(table: Table) -> tuple[Column, ...]:
    """Every column of a table but `id` and `content_hash`."""
    return (*table.content, *_STAMPS)


def selected(table: Table, source: str) -> str:
    """What to select of the rows `source` for `record_of`."""
    parts = [f"{source}.id::text AS id", f"{source}.content_hash"]
    parts += [f"{_as_text(column, source)} AS {column.name}" for column in columns(table)]
    return ", ".join(parts)


def _as_text(column: Column, source: str) -> str:
    name = f"{source}.{column.name}"
    if column.type is Type.UUID:
        return f"{name}::text"
    return f"canonical({name})" if column.type is Type.INSTANT else name


def record_of(table: Table, row: Row) -> Record:
    """The record that a selected row holds; without `doubt_ms`, its stamp counts as exact."""
    values: dict[str, Value] = {column.name: row[column.name] for column in table.content}
    return Record(
        table=table.name,
        id=row["id"],
        values=values,
        updated_at=row["updated_at"],
        hash=row["content_hash"],
        updated_by=row["updated_by"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        doubt_ms=row.get("doubt_ms", 0),
    )


_TYPES = {
    Type.TEXT: "text",
    Type.UUID: "uuid",
    Type.INSTANT: "timestamptz",
    Type.REAL: "double precision",
    Type.INTEGER: "bigint",
    Type.BOOLEAN: "boolean",
}


def recordset(table: Table) -> str:
    """The column definitions with which `json_to_recordset` reads rows as messages have them."""
    of_uuids = table.name in BY_NAME or table.name in _CONTEXT_WITH_UUIDS
    key = f"id {'uuid' if of_uuids else 'text'}"
    return ", ".join([key, *(f"{c.name} {_TYPES[c.type]}" for c in columns(table))])
