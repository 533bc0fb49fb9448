"""Reading one table as apps ask for it: whatever came from outside is a parameter of the SQL."""

from collections.abc import Callable
from typing import Any

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
)
from hotspot.model.records import Value
from hotspot.model.tables import BY_NAME, Table, Type
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch

_SIGNS = {Op.EQ: "=", Op.NEQ: "<>", Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}

_ARRIVED = "t.seq >= (SELECT min(seq) FROM arrivals WHERE minute >= substr(?, 1, 16))"

_NO_STAMP = "~"
"""Sorts after every stamp, as null does."""


class TableReads(Part):
    """`model.reading.TableReader`."""

    async def read_table(self, query: Query, *, counted: bool) -> Page:
        source, parameters = source_sql(query)
        window = (*parameters, query.size, query.offset)
        async with self._database.snapshot() as connection:
            found = await fetch(connection, rows_sql(query, source), window)
            total = None
            if counted:
                total = (await fetch(connection, f"SELECT count(*) {source}", parameters))[0][0]
        as_row = _reader(query)
        return Page([as_row(row) for row in found], total)


def source_sql(query: Query) -> tuple[str, list[Any]]:
    """Where the rows are and what they fulfil, in SQL, and its parameters."""
    parameters: list[Any] = []
    required = [_required(query.table, one, parameters) for one in query.required]
    return f"FROM {query.table.name} t WHERE {' AND '.join(required) or 'true'}", parameters


def rows_sql(query: Query, source: str) -> str:
    """The statement that reads the rows of `source`; its last parameters are limit and offset."""
    names = ", ".join(f"t.{column.name}" for column in query.columns)
    order = ", ".join(_sorted_by(query.table, one) for one in query.sorting)
    return f"SELECT {names} {source} ORDER BY {order} LIMIT ? OFFSET ?"


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


def _sorted_by(table: Table, order: Order) -> str:
    """One term of ORDER BY; of nulls only where there can be any, for the indexes' sake."""
    term = f"t.{order.column.name} {'DESC' if order.descending else 'ASC'}"
    if order.column.required and table.name in BY_NAME:
        return term
    return f"{term} NULLS {'FIRST' if order.nulls_first else 'LAST'}"


def _required(table: Table, requirement: Requirement, parameters: list[Any]) -> str:
    """What every row fulfils, in SQL; its values are appended to `parameters`."""
    match requirement:
        case Since(instant):
            parameters += [instant, instants.later(instant, -MARGIN_MS)]
            return f"(t.updated_at >= ? OR {_ARRIVED})"
        case Behind(id_):
            parameters += [id_, id_]
            return _behind(table)
    return condition_sql(requirement, parameters)


def _behind(table: Table) -> str:
    """The rows behind one row in the order of stamps and ids; all, where that row is not here."""
    of_that_row = f"SELECT {_stamp(table, 'x')} FROM {table.name} x WHERE x.id = ?"
    return f"({_stamp(table, 't')}, t.id) > (coalesce(({of_that_row}), ''), ?)"


def _stamp(table: Table, source: str) -> str:
    """The stamp as it sorts; in content tables there always is one."""
    stamp = f"{source}.updated_at"
    return stamp if table.name in BY_NAME else f"coalesce({stamp}, '{_NO_STAMP}')"


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
