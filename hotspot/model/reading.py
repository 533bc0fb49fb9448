"""What a read of one table asks for, checked: no name or value in it is as it came from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import msgspec

from hotspot.model.records import Value
from hotspot.model.tables import (
    BY_NAME,
    CONTENT_TABLES,
    CONTEXT_TABLES,
    STAMP_COLUMNS,
    Column,
    Table,
    Type,
)

DEFAULT_ROWS = 1_000
MAX_ROWS = 10_000
MARGIN_MS = 300_000
"""The longest that a transaction may take, from its beginning, which is kept, to its end."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a read was not answered, in PostgREST's form."""

    code: str
    message: str
    details: str | None = None
    hint: str | None = None


READABLE: Mapping[str, Table] = {table.name: table for table in (*CONTENT_TABLES, *CONTEXT_TABLES)}


class Op(StrEnum):
    """How a column is compared with one value; null compares with nothing."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column compared with a value of its type."""

    column: Column
    op: Op
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    """The column has one of these values."""

    column: Column
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Is:
    """The column is true, false or null (None)."""

    column: Column
    value: bool | None


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; of what compares with null it is as unknown as the thing itself."""

    of: "Condition"


@dataclass(frozen=True, slots=True)
class Group:
    """All of these conditions hold, or, with `either`, at least one; there is at least one."""

    of: tuple["Condition", ...]
    either: bool = False


Condition = Comparison | Among | Is | Not | Group


@dataclass(frozen=True, slots=True)
class Since:
    """Stamped at or after this instant, or arrived here since then under an older stamp."""

    instant: str


@dataclass(frozen=True, slots=True)
class Behind:
    """Comes after the row of this id, as it is now, in the order of stamps and ids.

    Where that row is not here, every row does.
    """

    id: str


Requirement = Condition | Since | Behind


@dataclass(frozen=True, slots=True)
class Order:
    """One column to sort by."""

    column: Column
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A read of one table.

    `columns`: what each row has, in order. `where`: conditions that all hold.
    `order`: what to sort by; rows that are alike in it are sorted by id.
    `limit`: rows at most (None: DEFAULT_ROWS). `offset`: rows passed over first.
    """

    table: Table
    columns: tuple[Column, ...]
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def size(self) -> int:
        """The most rows that are answered."""
        return min(DEFAULT_ROWS if self.limit is None else self.limit, MAX_ROWS)

    @property
    def sorting(self) -> tuple[Order, ...]:
        """`order`, and the id where that does not name it."""
        id_ = columns(self.table)["id"]
        named = any(one.column == id_ for one in self.order)
        return self.order if named else (*self.order, Order(id_, False, False))

    @property
    def required(self) -> tuple[Requirement, ...]:
        """What every row fulfils: `where`, in which two conditions mean more than they say.

        Only where they stand in `where` themselves, not in a group: `updated_at` at or after T is,
        in a content table, `Since`. And `id` after X, in a read in the order of stamps and then
        ids, is `Behind`: clients page so, and would lose the rows of later stamps and lower ids.
        """
        rising = (Order(_UPDATED_AT, False, False), Order(columns(self.table)["id"], False, False))
        return tuple(self._meant(one, by_stamp=self.order == rising) for one in self.where)

    def _meant(self, condition: Condition, *, by_stamp: bool) -> Requirement:
        match condition:
            case Comparison(column, Op.GTE, value) if column == _UPDATED_AT:
                return Since(str(value)) if self.table.name in BY_NAME else condition
            case Comparison(column, Op.GT, value) if column.name == "id" and by_stamp:
                return Behind(str(value))
        return condition

    def within(self, first: int, last: int | None) -> "Query":
        """The same read, of no rows but those numbered `first` to `last` (None: to the end)."""
        start = max(self.offset, first)
        ends = [] if self.limit is None else [self.offset + self.limit]
        ends += [] if last is None else [last + 1]
        return replace(self, offset=start, limit=max(min(ends) - start, 0) if ends else None)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows by the names of their columns. `total`: rows without limit and offset, if counted."""

    rows: Sequence[Mapping[str, Value]]
    total: int | None


class TableReader(Protocol):
    """The tables that can be read here."""

    async def read_table(self, query: Query, *, counted: bool) -> Page:
        """The rows asked for, and their number in all if `counted`, of one moment.

        Texts and ids are compared and sorted by their code points, and null sorts last.
        """


_UPDATED_AT = next(column for column in STAMP_COLUMNS if column.name == "updated_at")


def columns(table: Table) -> Mapping[str, Column]:
    """The columns of a table that can be read, in order: `id`, the content, the stamps."""
    return _COLUMNS[table.name]


def _columns(table: Table) -> Mapping[str, Column]:
    id_ = Column("id", Type.UUID if table.name in BY_NAME else Type.TEXT, required=True)
    return {column.name: column for column in (id_, *table.columns, *STAMP_COLUMNS)}


_COLUMNS = {name: _columns(table) for name, table in READABLE.items()}
