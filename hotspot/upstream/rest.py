"""Reading one table as apps ask for it: whatever came from outside is a parameter of the SQL."""

from collections.abc import Sequence

from asyncpg import Connection

from hotspot.model import instants
from hotspot.model.reading import (
    MARGIN_MS,
    Among,
    Behind,
    Comparison,
    Condition,
    Group,
    Is,
    Not,
    Op,
    Order,
    Page,
    Query,
    Requirement,
    Since,
    columns,
)
from hotspot.model.tables import Column, Type

_SIGNS = {Op.EQ: "=", Op.NEQ: "<>", Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}
_EQUAL = (Op.EQ, Op.NEQ)
_IS = {None: "NULL", True: "TRUE", False: "FALSE"}
_NULLS = {True: "FIRST", False: "LAST"}
_CASTS = {
    Type.TEXT: "text",
    Type.UUID: "uuid",
    Type.INSTANT: "timestamptz",
    Type.REAL: "double precision",
    Type.INTEGER: "bigint",
    Type.BOOLEAN: "boolean",
}


async def read_table(connection: Connection, query: Query, *, counted: bool) -> Page:
    """`model.reading.TableReader.read_table`, on a connection without a transaction."""
    statement = Statement(query)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        found = await connection.fetch(*statement.rows())
        total = await connection.fetchval(*statement.count()) if counted else None
    return Page([dict(row) for row in found], total)


class Statement:
    """One read in SQL; values are parameters."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._table = query.table.name
        self._id = columns(query.table)["id"]
        self._parameters: list[object] = []
        required = [self._required(one) for one in query.required]
        self._source = f"FROM {self._table} t WHERE {' AND '.join(required) or 'true'}"

    def rows(self) -> Sequence[object]:
        """The statement that reads the rows, and its parameters."""
        names = ", ".join(_selected(column) for column in self._query.columns)
        order = ", ".join(map(_sorted_by, self._query.sorting))
        used = len(self._parameters)
        window = f"LIMIT ${used + 1}::bigint OFFSET ${used + 2}::bigint"
        sql = f"SELECT {names} {self._source} ORDER BY {order} {window}"
        return (sql, *self._parameters, self._query.size, self._query.offset)

    def count(self) -> Sequence[object]:
        """The statement that counts the rows without limit and offset, and its parameters."""
        return (f"SELECT count(*) {self._source}", *self._parameters)

    def _given(self, type_: Type, value: object, *, several: bool = False) -> str:
        """The parameter that stands for this value; it travels as text."""
        self._parameters.append(value)
        cast = f"${len(self._parameters)}::text{'[]' if several else ''}"
        return f"{cast}::{_CASTS[type_]}{'[]' if several else ''}"

    def _required(self, requirement: Requirement) -> str:
        match requirement:
            case Since(instant):
                stamp = self._given(Type.INSTANT, instant)
                came = self._given(Type.INSTANT, instants.later(instant, -MARGIN_MS))
                return f"(t.updated_at >= {stamp} OR t.arrived_at >= {came})"
            case Behind(id_):
                return self._behind(id_)
        return self._condition(requirement)

    def _condition(self, condition: Condition) -> str:
        match condition:
            case Comparison(column, op, value):
                left = _plain(column, "t") if op in _EQUAL else _sorted(column, "t")
                return f"{left} {_SIGNS[op]} {self._given(column.type, str(value))}"
            case Among(column, values):
                given = self._given(column.type, [str(one) for one in values], several=True)
                return f"{_plain(column, 't')} = ANY({given})"
            case Is(column, truth):
                return f"t.{column.name} IS {_IS[truth]}"
            case Not(of):
                return f"NOT ({self._condition(of)})"
            case Group(members, either):
                word = " OR " if either else " AND "
                return f"({word.join(self._condition(one) for one in members)})"

    def _behind(self, id_: str) -> str:
        """The rows behind one row in the order of stamps and ids; all, where it is not here."""
        named = self._given(self._id.type, id_)
        of_that_row = (
            f"SELECT x.updated_at FROM {self._table} x WHERE {_plain(self._id, 'x')} = {named}"
        )
        return (
            f"(t.updated_at, {_sorted(self._id, 't')}) >"
            f" (coalesce(({of_that_row}), '-infinity'::timestamptz), {named})"
        )


def _sorted_by(order: Order) -> str:
    direction = "DESC" if order.descending else "ASC"
    return f"{_sorted(order.column, 't')} {direction} NULLS {_NULLS[order.nulls_first]}"


def _selected(column: Column) -> str:
    name = _plain(column, "t")
    if column.type is Type.UUID:
        name = f"{name}::text"
    elif column.type is Type.INSTANT:
        name = f"canonical({name})"
    return f"{name} AS {column.name}"


def _plain(column: Column, source: str) -> str:
    """A column as its type; some ids that are texts to the protocol are UUIDs in the database."""
    name = f"{source}.{column.name}"
    return f"{name}::text" if column.type is Type.TEXT else name


def _sorted(column: Column, source: str) -> str:
    """A column to sort by and to compare: texts by code points, whatever the database's locale."""
    plain = _plain(column, source)
    return f'{plain} COLLATE "C"' if column.type is Type.TEXT else plain
