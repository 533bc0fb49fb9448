"""One record: its content, its stamp, and the `version` that names this state of it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hotspot.model import instants
from hotspot.model.hashing import content_hash as content_hash
from hotspot.model.tables import BY_NAME, STAMP_COLUMNS, Column, Scope, Table, Type

Value = str | int | float | bool | None
Values = dict[str, Value]

TEXT_LIMIT = 65_536
"""Characters that one text column may have; the longest verse of any Bible has about 1,000."""
NAME_LIMIT = 200
"""Characters of a text in a natural key: databases keep these keys in unique indexes."""
INTEGER_LIMIT = 2**53
"""Numbers from here on are not the same in JavaScript."""

LOCAL_COLUMNS = frozenset(
    {"local_path", "sync_status", "last_synced_at", "local_updated_at", "import_source"}
)
"""Columns that every replica keeps for itself; a client may send them, they are not looked at."""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NEVER_IN_TEXT = re.compile("[\x00\ud800-\udfff]")


class Key(msgspec.Struct, frozen=True, gc=False):
    """Which record: the table's name and the record's id."""

    table: str
    id: str


class Record(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The state of one record.

    `values`: every column of `Table.content`, `deleted_at` included.
    `former`: the version that the same content had before it was stamped anew, if it was; an edit
    made on it is an edit made on this one.
    `doubt_ms`: how far the stamp may be off; timeline.UNDATED_MS where it says nothing.
    """

    table: str
    id: str
    values: Values
    updated_at: str
    hash: str
    updated_by: str | None = None
    created_at: str | None = None
    created_by: str | None = None
    former: str | None = None
    doubt_ms: int = 0

    @property
    def key(self) -> Key:
        return Key(self.table, self.id)

    @property
    def version(self) -> str:
        """The name of this state: stamp and content, because two places may stamp alike."""
        return f"{self.updated_at}~{self.hash}"

    @property
    def deleted(self) -> bool:
        return self.values["deleted_at"] is not None

    @property
    def scope(self) -> Scope | None:
        return BY_NAME[self.table].scope_of(self.id, self.values)

    def to_wire(self) -> dict[str, Value]:
        """The record as messages carry it: columns by their names, stamps among them."""
        return {
            "id": self.id,
            **self.values,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "updated_at": self.updated_at,
            "updated_by": self.updated_by,
        }

    def stamped(self, updated_at: str) -> "Record":
        """The same content with another stamp; a deleted record was deleted at its stamp."""
        if not self.deleted:
            return msgspec.structs.replace(self, updated_at=updated_at)
        return make(self, updated_at, {**self.values, "deleted_at": updated_at})


def make(like: Record, updated_at: str, values: Values) -> Record:
    """A record that is `like` another but for its stamp and content."""
    return msgspec.structs.replace(
        like,
        values=values,
        updated_at=updated_at,
        hash=content_hash(BY_NAME[like.table], values),
    )


def from_wire(table: Table, record_id: str, raw: Mapping[str, Any]) -> Record:
    """A whole record as a server sends it; columns unknown here are left out.

    Raises ValueError, with a sentence, for values that do not fit or a missing `updated_at`.
    """
    fields = parse(table, record_id, raw, strict=False)
    if fields.get("updated_at") is None:
        raise ValueError("The record has no updated_at.")
    return build(table, record_id, fields, str(fields["updated_at"]))


def build(table: Table, record_id: str, fields: Mapping[str, Value], updated_at: str) -> Record:
    """A record from parsed `fields`; columns not named are null.

    Raises ValueError where a required column is null.
    """
    values = {column.name: fields.get(column.name) for column in table.content}
    for column in table.columns:
        if column.required and values[column.name] is None:
            raise ValueError(f"The record has no {column.name}.")

    def text(name: str) -> str | None:
        value = fields.get(name)
        return value if isinstance(value, str) else None

    return Record(
        table=table.name,
        id=record_id,
        values=values,
        updated_at=updated_at,
        hash=content_hash(table, values),
        updated_by=text("updated_by"),
        created_at=text("created_at"),
        created_by=text("created_by"),
    )


def parse(
    table: Table, record_id: str, raw: Mapping[str, Any], *, strict: bool = True
) -> dict[str, Value]:
    """The columns that `raw` names, each checked and in canonical form.

    `strict` refuses columns that the table lacks; otherwise they are left out.
    Raises ValueError with one sentence for whatever does not fit.
    """
    parse_id(record_id)
    if raw.get("id", record_id) != record_id:
        raise ValueError("The record's id differs from the recordId of the change.")
    checks = _COLUMN_CHECKS[table.name]
    fields: dict[str, Value] = {}
    for name, value in raw.items():
        checked = checks.get(name)
        if checked is not None:
            fields[name] = None if value is None else checked(name, value)
        elif strict and name != "id" and name not in LOCAL_COLUMNS:
            raise ValueError(f"The table {table.name} has no column {name[:80]!r}.")
    return fields


def check(column: Column, value: object) -> Value:
    """The value of one column in canonical form; ValueError, with a sentence, if it cannot be."""
    return None if value is None else _CHECKS[column.type](column.name, value)


def parse_id(value: str) -> str:
    """A record id: a UUID as lower-case text; ValueError otherwise."""
    if not UUID.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is not a record id (a UUID in lower case).")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text.")
    if len(value) > TEXT_LIMIT:
        raise ValueError(f"{name} is longer than {TEXT_LIMIT} characters.")
    if not is_plain(value):
        raise ValueError(f"{name} has characters that no text may have.")
    return value


def is_plain(text: str) -> bool:
    """Whether no character of `text` is one that no text may have."""
    return text.isprintable() or not _NEVER_IN_TEXT.search(text)


def _name(name: str, value: object) -> str:
    text = _text(name, value)
    if len(text) > NAME_LIMIT:
        raise ValueError(f"{name} is longer than {NAME_LIMIT} characters.")
    return text


def _uuid(name: str, value: object) -> str:
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise ValueError(f"{name} must be a UUID in lower case.")
    return value


def _instant(name: str, value: object) -> str:
    try:
        return instants.parse(_text(name, value))
    except ValueError:
        raise ValueError(f"{name} must be a date and time.") from None


def _real(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise ValueError(f"{name} must be a number.")
    return float(value) + 0.0  # -0.0 and 0.0 are one number


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= INTEGER_LIMIT:
        raise ValueError(f"{name} must be a whole number.")
    return value


def _boolean(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false.")
    return value


_CHECKS: dict[Type, Callable[[str, object], Value]] = {
    Type.TEXT: _text,
    Type.UUID: _uuid,
    Type.INSTANT: _instant,
    Type.REAL: _real,
    Type.INTEGER: _integer,
    Type.BOOLEAN: _boolean,
}
_COLUMN_CHECKS: dict[str, dict[str, Callable[[str, object], Value]]] = {
    table.name: {
        column.name: _name
        if column.type is Type.TEXT and column.name in table.natural_key
        else _CHECKS[column.type]
        for column in (*table.columns, *STAMP_COLUMNS)
    }
    for table in BY_NAME.values()
}
