"""The query strings of PostgREST's reads, as far as apps on phones use them.

select=id,verse_text  column=eq.value  column=not.in.(a,"b,c")  or=(a.is.null,and(b.gt.1,b.lt.5))
order=updated_at.desc.nullslast,id  limit=500  offset=1000
"""

import re
from collections.abc import Callable, Iterable, Mapping

from hotspot.errors import QueryRefused
from hotspot.model import records
from hotspot.model.reading import (
    READABLE,
    Among,
    Comparison,
    Condition,
    Group,
    Is,
    Not,
    Op,
    Order,
    Query,
    columns,
)
from hotspot.model.records import Value
from hotspot.model.tables import Column, Table, Type

MAX_DEPTH = 8
MAX_CONDITIONS = 200
MAX_OFFSET = 2**31

NOT_UNDERSTOOD = "PGRST100"
NO_TABLE = "PGRST205"
NO_COLUMN = "42703"
BAD_VALUE = "22P02"

_OPS: Mapping[str, Op] = {op.value: op for op in Op}
_GROUPS = {"and": False, "or": True}
_IS: Mapping[str, bool | None] = {"null": None, "unknown": None, "true": True, "false": False}
_BOOLEANS = {"true": True, "t": True, "false": False, "f": False}
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)


def parse(table_name: str, pairs: Iterable[tuple[str, str]]) -> Query:
    """The read of a table that the decoded parameters of a query string ask for.

    Where `select`, `order`, `limit` or `offset` come twice, the last counts.
    Raises QueryRefused, with PostgREST's or PostgreSQL's code for the mistake.
    """
    table = READABLE.get(table_name)
    if table is None:
        raise QueryRefused(NO_TABLE, f"There is no table {table_name[:80]!r} here.", status=404)
    words = {"select": "*", "order": "", "limit": "", "offset": ""}
    reader = _Conditions(table)
    where = []
    for name, text in pairs:
        if name in words:
            words[name] = text
        else:
            where.append(reader.parameter(name, text))
    return Query(
        table=table,
        columns=_selected(table, words["select"]),
        where=tuple(where),
        order=_order(table, words["order"]),
        limit=_count("limit", words["limit"]),
        offset=_count("offset", words["offset"]) or 0,
    )


def column_named(table: Table, name: str) -> Column:
    """The column of this name. Raises QueryRefused where the table has none."""
    column = columns(table).get(name)
    if column is None:
        raise QueryRefused(NO_COLUMN, f"The table {table.name} has no column {name[:80]!r}.")
    return column


def _selected(table: Table, text: str) -> tuple[Column, ...]:
    chosen: dict[str, Column] = {}
    for name in (part.strip() for part in text.split(",")):
        if name == "*":
            chosen |= columns(table)
        else:
            chosen[name] = column_named(table, name)
    return tuple(chosen.values())


def _order(table: Table, text: str) -> tuple[Order, ...]:
    return tuple(_sorted_by(table, part.strip()) for part in text.split(",")) if text else ()


def _sorted_by(table: Table, text: str) -> Order:
    """One part of `order`; as in PostgreSQL, null counts as greater than every value."""
    name, *words = text.split(".")
    column = column_named(table, name)
    direction = words.pop(0) if words and words[0] in ("asc", "desc") else "asc"
    nulls = words.pop(0) if words and words[0] in ("nullsfirst", "nullslast") else ""
    if words:
        raise _refused(
            f"order has {text[:80]!r}: use .asc or .desc, and then .nullsfirst or .nullslast."
        )
    descending = direction == "desc"
    return Order(column, descending, nulls == "nullsfirst" if nulls else descending)


def _count(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_OFFSET):
        raise _refused(f"{name} must be a whole number from 0 to {MAX_OFFSET}.")
    return int(text)


class _Conditions:
    """Reads the conditions of one query string, and counts them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._count = 0

    def parameter(self, name: str, text: str) -> Condition:
        """The condition of one parameter: a group by its word, or a test of the column `name`."""
        scanner = _Scanner(text)
        word = name.removeprefix("not.")
        if word in _GROUPS:
            condition = self._group(scanner, word, 1)
        elif word != name:
            raise _refused(f"{name[:80]!r} is neither a column nor a group of conditions.")
        else:
            condition = self._test(scanner, name, scanner.rest)
        scanner.end()
        return Not(condition) if word != name else condition

    def _group(self, scanner: "_Scanner", word: str, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise _refused(f"Groups of conditions may stand {MAX_DEPTH} deep in each other.")
        scanner.expect("(")
        of = [self._member(scanner, depth)]
        while scanner.take(","):
            of.append(self._member(scanner, depth))
        scanner.expect(")")
        return Group(tuple(of), either=_GROUPS[word])

    def _member(self, scanner: "_Scanner", depth: int) -> Condition:
        negated = scanner.take("not.")
        name = scanner.until(".(,)").strip()
        if name in _GROUPS and scanner.at("("):
            condition = self._group(scanner, name, depth + 1)
            return Not(condition) if negated else condition
        if negated:
            raise _refused("In a group, write column.not.operator.value.")
        scanner.expect(".")
        return self._test(scanner, name, scanner.value)

    def _test(self, scanner: "_Scanner", name: str, value: Callable[[], str]) -> Condition:
        """One test of a column; `value` reads what stands behind the operator."""
        self._count += 1
        if self._count > MAX_CONDITIONS:
            raise _refused(f"A query may have {MAX_CONDITIONS} conditions.")
        column = column_named(self._table, name)
        negated = scanner.take("not.")
        operator = scanner.until(".(,)")
        scanner.expect(".")
        condition: Condition
        if operator == "in":
            condition = Among(column, tuple(_typed(column, item) for item in scanner.items()))
        elif operator == "is":
            condition = _is(column, value())
        elif operator in _OPS:
            condition = Comparison(column, _OPS[operator], _typed(column, value()))
        else:
            raise _refused(
                f"There is no operator {operator[:80]!r} here: use {', '.join(Op)}, in or is."
            )
        return Not(condition) if negated else condition


class _Scanner:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def at(self, literal: str) -> bool:
        """Whether `literal` comes next."""
        return self._text.startswith(literal, self._at)

    def take(self, literal: str) -> bool:
        """Passes over `literal` if it comes next."""
        found = self.at(literal)
        self._at += len(literal) if found else 0
        return found

    def expect(self, literal: str) -> None:
        """Passes over `literal`, which must come next."""
        if not self.take(literal):
            raise _refused(f"{self._text[:80]!r} has no {literal!r} at character {self._at + 1}.")

    def end(self) -> None:
        """The text must end here."""
        if self._at != len(self._text):
            raise _refused(
                f"{self._text[:80]!r} goes on where it should end, at character {self._at + 1}."
            )

    def rest(self) -> str:
        """All that is left."""
        start, self._at = self._at, len(self._text)
        return self._text[start:]

    def until(self, stops: str) -> str:
        """What stands before the next of these characters, or the end."""
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in stops:
            self._at += 1
        return self._text[start : self._at]

    def value(self) -> str:
        """A value in a list: in double quotes, with backslashes before quotes, or bare."""
        return self._quoted() if self.take('"') else self.until(",)")

    def items(self) -> list[str]:
        """The values of a list in parentheses."""
        self.expect("(")
        if self.take(")"):
            return []
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        self.expect(")")
        return found

    def _quoted(self) -> str:
        found = ""
        while True:
            found += self.until('"\\')
            if self.take("\\"):
                found += self._text[self._at : self._at + 1]
                self._at = min(self._at + 1, len(self._text))
            else:
                self.expect('"')
                return found


def _is(column: Column, text: str) -> Condition:
    word = text.lower()
    if word == "not_null":
        return Not(Is(column, None))
    if word not in _IS or (word != "null" and column.type is not Type.BOOLEAN):
        raise _refused(f"{column.name} cannot be tested for being {text[:80]!r}.")
    return Is(column, _IS[word])


def _typed(column: Column, text: str) -> Value:
    """The value that `text` names in a column of this type."""
    try:
        return records.check(column, _READ[column.type](text))
    except ValueError as error:
        raise QueryRefused(BAD_VALUE, str(error)) from None


_READ: Mapping[Type, Callable[[str], object]] = {
    Type.TEXT: str,
    Type.UUID: str.lower,
    Type.INSTANT: str,
    Type.REAL: lambda text: float(text) if _NUMBER.fullmatch(text) else text,
    Type.INTEGER: lambda text: int(text) if _WHOLE.fullmatch(text) else text,
    Type.BOOLEAN: lambda text: _BOOLEANS.get(text.lower(), text),
}


def _refused(sentence: str) -> QueryRefused:
    return QueryRefused(NOT_UNDERSTOOD, sentence)
