"""Reading one table as apps ask for it: whatever came from outside is a parameter of the SQL."""

from collections.abc import Callable
from typing import Any

from hotspot.model import instants
from hotspot.model.reading import (
    Among,
    Comparison,
    Condition,
    Group,
    Is,
    Not,
    Op,
    Order,
    Page,
    Query,
)
from hotspot.model.records import Value
from hotspot.model.tables import BY_NAME, Type
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch

MARGIN_MS = 300_000
"""The longest that a transaction may take from its beginning, which is kept, to its end."""

_SIGNS = {Op.EQ: "=", Op.NEQ: "<>", Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}

_ARRIVED = """
OR t.seq >= (SELECT min(seq) FROM arrivals WHERE minute >= substr(?, 1, 16))
"""

_NO_STAMP = "~"
"""Sorts after every stamp, as null does."""


class TableReads(Part):
    """`model.reading.TableReader`."""

    async def read_table(self, query: Query, *, counted: bool) -> Page:
        parameters: list[Any] = []
        where = " AND ".join(_required(query, one, parameters) for one in query.where) or "true"
        source = f"FROM {query.table.name} t WHERE {where}"
        names = ", ".join(f"t.{column.name}" for column in query.columns)
        window = f"ORDER BY {_order(query)} LIMIT ? OFFSET ?"
        async with self._database.snapshot() as connection:
            found = await fetch(
                connection,
                f"SELECT {names} {source} {window}",
                [*parameters, query.size, query.offset],
            )
            total = None
            if counted:
                total = (await fetch(connection, f"SELECT count(*) {source}", parameters))[0][0]
        as_row = _reader(query)
        return Page([as_row(row) for row in found], total)


def _reader(query: Query) -> Callable[[tuple[Any, ...]], dict[str, Value]]:
    """Makes a row of the result into values by the names of their columns."""
    names = [column.name for column in query.columns]
    booleans = [column.name for column in query.columns if column.type is Type.BOOLEAN]

    def as_row(values: tuple[Any, ...]) -> dict[str, Value]:
        row = dict(zip(names, values, strict=True))
        for name in booleans:
            if row[name] is not None:
                row[name] = bool(row[name])
        return row

    return as_row


def _order(query: Query) -> str:
    return ", ".join([*(_sorted_by(one) for one in query.order), "t.id"])


def _sorted_by(order: Order) -> str:
    direction = "DESC" if order.descending else "ASC"
    return f"t.{order.column.name} {direction} NULLS {'FIRST' if order.nulls_first else 'LAST'}"


def _required(query: Query, condition: Condition, parameters: list[Any]) -> str:
    """A condition that every row fulfils, with what two of them mean beyond their words."""
    match condition:
        case Comparison(column, Op.GTE, value) if column.name == "updated_at":
            sql = condition_sql(condition, parameters)
            if query.table.name not in BY_NAME:
                return sql
            parameters.append(instants.later(str(value), -MARGIN_MS))
            return f"({sql} {_ARRIVED})"
        case Comparison(column, Op.GT, value) if column.name == "id" and query.by_stamp:
            parameters += [value, value]
            return _after(query.table.name)
    return condition_sql(condition, parameters)


def _after(table: str) -> str:
    """The rows behind one row in the order of stamps and ids; all, where that row is not here."""
    return f"""
        (coalesce(t.updated_at, '{_NO_STAMP}'), t.id) > (coalesce((
          SELECT coalesce(x.updated_at, '{_NO_STAMP}') FROM {table} x WHERE x.id = ?), ''), ?)
    """


def condition_sql(condition: Condition, parameters: list[Any]) -> str:
    """The condition in SQL; its values are appended to `parameters`."""
    match condition:
        case Comparison(column, op, value):
            parameters.append(value)
            return f"t.{column.name} {_SIGNS[op]} ?"
        case Among(column, values):
            parameters.append(as_json(values))
            return f"t.{column.name} IN (SELECT value FROM json_each(?))"
        case Is(column, value):
            parameters.append(value)
            return f"t.{column.name} IS ?"
        case Not(of):
            return f"NOT ({condition_sql(of, parameters)})"
        case Group(of, either):
            word = " OR " if either else " AND "
            return f"({word.join(condition_sql(one, parameters) for one in of)})"
