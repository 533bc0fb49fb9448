"""The quick way to check rows: what it finds sound is as `rows.check_row` would have it.

Rows are looked at some hundred at once, column by column, because most of what Python does for one
value it then does for all of them. Where a column is not plainly sound, each of its rows goes to
`check_row`, which alone knows what to refuse, and in which words.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from re import Pattern
from typing import cast

from hotspot.model import hashing, records
from hotspot.model.digest import row_hash
from hotspot.model.records import INTEGER_LIMIT, TEXT_LIMIT, Value
from hotspot.model.tables import BY_NAME, STAMP_COLUMNS, Column, Table, Type
from hotspot.package.rows import COLUMN_NAMES, CONTEXT_ID, REFERENCES, Bounds, check_row

Values = tuple[Value, ...]
"""A checked row: its values in the order of COLUMN_NAMES, then its hashes, if it has any."""
Check = Callable[[Sequence[Sequence[object]]], Iterable[Values]]
"""Checks rows, at least one, given in the order of COLUMN_NAMES. Raises PackageRefused."""

_Given = Sequence[object]
_Texts = Sequence[str]
_Step = Callable[[_Given], Sequence[Value]]
"""The values of one column in canonical form; ValueError where that takes a closer look."""

_REMEMBERED = 1000
_UPDATED_AT = COLUMN_NAMES["verse_texts"].index("updated_at") - len(COLUMN_NAMES["verse_texts"])


def checker(table: Table, bounds: Bounds) -> Check:
    """Checks the rows of one table; each kind of value was decided about once."""
    names = COLUMN_NAMES[table.name]
    steps = tuple(_steps(table, bounds))

    def thoroughly(values: _Given) -> Values:
        row = check_row(table, dict(zip(names, values, strict=True)), bounds)
        return (*row.values, *row.hashes)

    def check(rows: Sequence[_Given]) -> Iterable[Values]:
        try:
            columns = [
                step(column) for step, column in zip(steps, zip(*rows, strict=True), strict=True)
            ]
        except ValueError:
            return map(thoroughly, rows)
        return zip(*columns, *_hashes(table, columns), strict=True)

    return check


def _hashes(table: Table, columns: Sequence[Sequence[Value]]) -> Iterator[Sequence[Value]]:
    """The columns of the hashes: the content's, and the row's."""
    if table.name not in BY_NAME:
        return
    content = columns[1 : len(table.columns) + 1]
    hashed = hashing.hash_columns(table, [*content, columns[-1]])
    yield hashed
    ids, stamps = columns[0], columns[_UPDATED_AT]
    yield [*map(row_hash, cast(_Texts, ids), cast(_Texts, stamps), hashed)]


def _steps(table: Table, bounds: Bounds) -> Iterator[_Step]:
    synced = table.name in BY_NAME
    if table.defines_scope and table.scope_kind is not None:
        yield _own(bounds.versions[table.scope_kind], required=True)
    else:
        yield _matching(records.UUID if synced else CONTEXT_ID)
    for column in (*table.columns, *STAMP_COLUMNS):
        if table.scope_kind is not None and column.name == table.scope_column:
            yield _own(bounds.versions[table.scope_kind], column.required)
        else:
            step = _step(column, synced, bounds)
            yield step if column.required else _with_nulls(step)


def _step(column: Column, synced: bool, bounds: Bounds) -> _Step:
    if synced and column.name in REFERENCES:
        return _matching(REFERENCES[column.name][0])
    if column.type is Type.INSTANT:
        return _Instants(column, bounds.latest)
    if column.type is Type.UUID:
        return _matching(records.UUID)
    return _PLAIN[column.type]


def _with_nulls(step: _Step) -> _Step:
    def checked(values: _Given) -> Sequence[Value]:
        nulls = values.count(None)
        if not nulls:
            return step(values)
        if nulls == len(values):
            return [None] * nulls
        rest = iter(step([value for value in values if value is not None]))
        return [None if value is None else next(rest) for value in values]

    return checked


def _own(version: str | None, required: bool) -> _Step:
    """A version's id, which is UUID; a row that names none belongs to the package's."""
    allowed = {version} if required else {version, None}

    def step(values: _Given) -> Sequence[Value]:
        if version is None or not set(values) <= allowed:
            raise ValueError
        return [version] * len(values)

    return step


def _matching(pattern: Pattern[str]) -> _Step:
    matches = pattern.fullmatch

    def step(values: _Given) -> Sequence[Value]:
        texts = _texts(values)
        if not all(map(matches, texts)):
            raise ValueError
        return texts

    return step


class _Instants:
    """One column of times; the rows of a package share most of theirs."""

    def __init__(self, column: Column, latest: str) -> None:
        self._column = column
        self._latest = latest
        self._known: dict[str, str] = {}

    def __call__(self, values: _Given) -> Sequence[Value]:
        texts = _texts(values)
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        for text in set(texts) - self._known.keys():
            found = str(records.check(self._column, text))
            self._known[text] = min(found, self._latest)
        return [*map(self._known.__getitem__, texts)]


def _texts(values: _Given) -> _Texts:
    """`values`, which must all be text."""
    if set(map(type, values)) != {str}:
        raise ValueError
    return cast(_Texts, values)


def _text(values: _Given) -> Sequence[Value]:
    texts = _texts(values)
    if max(map(len, texts)) > TEXT_LIMIT or not records.is_plain("".join(texts)):
        raise ValueError
    return texts


def _integer(values: _Given) -> Sequence[Value]:
    found = [value for value in values if type(value) is int and abs(value) < INTEGER_LIMIT]
    return _all(found, values)


def _real(values: _Given) -> Sequence[Value]:
    found = [
        float(value) + 0.0
        for value in values
        if isinstance(value, float | int) and abs(value) < 1e15
    ]
    return _all(found, values)


def _boolean(values: _Given) -> Sequence[Value]:
    return _all([value == 1 for value in values if type(value) is int and value in (0, 1)], values)


def _all(found: Sequence[Value], values: _Given) -> Sequence[Value]:
    if len(found) != len(values):
        raise ValueError
    return found


_PLAIN: dict[Type, _Step] = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.REAL: _real,
    Type.BOOLEAN: _boolean,
}
