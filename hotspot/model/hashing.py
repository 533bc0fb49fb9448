"""Naming a record's content by a hash that every database and language computes alike."""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from hotspot.model.tables import BY_NAME, Table, Type


def _real_text(value: float) -> str:
    return struct.pack(">d", value).hex()


def _boolean_text(value: bool) -> str:
    return "t" if value else "f"


_HASHED_AS: dict[Type, Callable[[Any], str]] = {
    Type.TEXT: str,
    Type.UUID: str,
    Type.INSTANT: str,
    Type.REAL: _real_text,
    Type.INTEGER: str,
    Type.BOOLEAN: _boolean_text,
}
_HASH_PLAN: dict[str, tuple[tuple[str, Callable[[Any], str]], ...]] = {
    table.name: tuple((column.name, _HASHED_AS[column.type]) for column in table.content)
    for table in BY_NAME.values()
}


def content_hash(table: Table, values: Mapping[str, Any]) -> str:
    """The content's name: 16 hex digits, the same from Python, SQLite and PostgreSQL.

    The first 8 bytes of the SHA-256 of the UTF-8 text in which each column of `Table.content`
    stands in order: `-` for null, otherwise `<characters>:<text>`. Reals are the hex of their
    IEEE 754 bytes, booleans `t` or `f`, instants in canonical form.
    """
    parts = [_part(as_text, values[name]) for name, as_text in _HASH_PLAN[table.name]]
    return _name_of(parts)


def hash_columns(table: Table, columns: Sequence[Sequence[Any]]) -> list[str]:
    """The `content_hash` of many rows, given by the columns of `Table.content` in their order.

    Values are in canonical form: those that are equal count as the same.
    """
    plan = zip(_HASH_PLAN[table.name], columns, strict=True)
    parts = [_parts(as_text, column) for (_, as_text), column in plan]
    return [*map(_name_of, zip(*parts, strict=True))]


def _parts(as_text: Callable[[Any], str], column: Sequence[Any]) -> list[str]:
    """What the values of one column add to what is hashed; few of them differ, or all do."""
    known = {value: _part(as_text, value) for value in set(column)}
    return [*map(known.__getitem__, column)]


def _part(as_text: Callable[[Any], str], value: Any) -> str:
    if value is None:
        return "-"
    text = as_text(value)
    return f"{len(text)}:{text}"


def _name_of(parts: Iterable[str]) -> str:
    return sha256("".join(parts).encode()).hexdigest()[:16]
