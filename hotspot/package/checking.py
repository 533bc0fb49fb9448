"""The quick way to check rows: what it finds sound is as `rows.check_row` would have it.

The checks of a table are prepared once. A row that is not plainly sound goes to `check_row`, which
alone knows what to refuse, and in which words.
"""

from collections.abc import Callable, Iterator, Sequence
from re import Pattern

from hotspot.model import records
from hotspot.model.digest import row_hash
from hotspot.model.records import INTEGER_LIMIT, TEXT_LIMIT, Value
from hotspot.model.tables import BY_NAME, STAMP_COLUMNS, Column, Table, Type
from hotspot.package.rows import COLUMN_NAMES, CONTEXT_ID, REFERENCES, Bounds, Row, check_row

Check = Callable[[Sequence[object]], Row]
"""Checks one row, given in the order of COLUMN_NAMES. Raises PackageRefused."""

_Step = Callable[[object], Value]
"""The value of one column in canonical form; ValueError where that takes a closer look."""

_REMEMBERED = 1000
_UPDATED_AT = COLUMN_NAMES["verse_texts"].index("updated_at") - len(COLUMN_NAMES["verse_texts"])


def checker(table: Table, bounds: Bounds) -> Check:
    """Checks the rows of one table; each kind of value was decided about once."""
    names = COLUMN_NAMES[table.name]
    steps = tuple(_steps(table, bounds))
    content = len(table.columns) + 1

    def check(values: Sequence[object]) -> Row:
        try:
            checked = tuple([step(value) for step, value in zip(steps, values, strict=True)])
        except ValueError:
            return check_row(table, dict(zip(names, values, strict=True)), bounds)
        if table.name not in BY_NAME:
            return Row(checked, ())
        hashed = records.hash_in_order(table, (*checked[1:content], checked[-1]))
        number = row_hash(str(checked[0]), str(checked[_UPDATED_AT]), hashed)
        return Row(checked, (hashed, number))

    return check


def _steps(table: Table, bounds: Bounds) -> Iterator[_Step]:
    synced = table.name in BY_NAME
    if table.defines_scope and table.scope_kind is not None:
        yield _own(bounds.versions[table.scope_kind], required=True)
    else:
        yield _matching(records.UUID if synced else CONTEXT_ID, required=True)
    for column in (*table.columns, *STAMP_COLUMNS):
        if table.scope_kind is not None and column.name == table.scope_column:
            yield _own(bounds.versions[table.scope_kind], column.required)
        elif synced and column.name in REFERENCES:
            yield _matching(REFERENCES[column.name][0], column.required)
        elif column.type is Type.INSTANT:
            yield _Instants(column, bounds.latest)
        elif column.type is Type.UUID:
            yield _matching(records.UUID, column.required)
        else:
            yield _required(_PLAIN[column.type]) if column.required else _PLAIN[column.type]


def _own(version: str | None, required: bool) -> _Step:
    """A version's id, which is UUID; a row that names none belongs to the package's."""

    def step(value: object) -> Value:
        if version is None or (value != version and (required or value is not None)):
            raise ValueError
        return version

    return step


def _matching(pattern: Pattern[str], required: bool) -> _Step:
    matches = pattern.fullmatch

    def step(value: object) -> Value:
        if value is None and not required:
            return None
        if type(value) is not str or not matches(value):
            raise ValueError
        return value

    return step


class _Instants:
    """One column of times; the rows of a package share most of theirs."""

    def __init__(self, column: Column, latest: str) -> None:
        self._column = column
        self._latest = latest
        self._known: dict[str, str] = {}

    def __call__(self, value: object) -> Value:
        if type(value) is not str:
            if value is None and not self._column.required:
                return None
            raise ValueError
        return self._known.get(value) or self._learn(value)

    def _learn(self, value: str) -> str:
        found = min(str(records.check(self._column, value)), self._latest)
        if len(self._known) < _REMEMBERED:
            self._known[value] = found
        return found


def _text(value: object) -> Value:
    if value is None:
        return None
    if type(value) is not str or len(value) > TEXT_LIMIT or not value.isprintable():
        raise ValueError
    return value


def _integer(value: object) -> Value:
    if value is None:
        return None
    if type(value) is not int or abs(value) >= INTEGER_LIMIT:
        raise ValueError
    return value


def _real(value: object) -> Value:
    if value is None:
        return None
    if type(value) is not float or not abs(value) < 1e15:
        raise ValueError
    return value + 0.0


def _boolean(value: object) -> Value:
    if value is None:
        return None
    if type(value) is not int or value not in (0, 1):
        raise ValueError
    return bool(value)


def _required(step: _Step) -> _Step:
    def checked(value: object) -> Value:
        if value is None:
            raise ValueError
        return step(value)

    return checked


_PLAIN: dict[Type, _Step] = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.REAL: _real,
    Type.BOOLEAN: _boolean,
}
