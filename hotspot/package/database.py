"""The SQLite database inside a package: made by us, or read as what it is, a stranger's file.

In a package a table's name has the prefix `package_`. In staging it has none: one table for each
of CONTENT_TABLES and CONTEXT_TABLES with the columns of `rows.COLUMN_NAMES` (booleans as 0 and 1),
`id` as primary key, and HASHES in the content tables. Staging has no other index; no two of its
rows that are not deleted have one natural key.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from hotspot.errors import NoSpace, PackageRefused
from hotspot.model.tables import BY_NAME, CONTENT_TABLES, CONTEXT_TABLES, STAMP_COLUMNS, Table, Type
from hotspot.package.checking import Values, checker
from hotspot.package.fullness import FULL
from hotspot.package.rows import COLUMN_NAMES, Bounds

PREFIX = "package_"
TABLES = (*CONTENT_TABLES, *CONTEXT_TABLES)
HASHES = {"content_hash": "TEXT", "row_hash": "INTEGER"}
"""The columns with the hashes of a row, in the order of `Row.hashes`, and their types."""

_SQL_TYPES = {
    Type.TEXT: "TEXT",
    Type.UUID: "TEXT",
    Type.INSTANT: "TEXT",
    Type.REAL: "REAL",
    Type.INTEGER: "INTEGER",
    Type.BOOLEAN: "INTEGER",
}
_VALUE_LIMIT = 1_000_000
"""Bytes of one value or row: four times what `records.TEXT_LIMIT` characters can take."""
_AT_ONCE = 100
"""Rows that are checked together: sound ones of the greatest length take 25 MB."""

_READABLE = frozenset({"sqlite_master", *(PREFIX + table.name for table in TABLES)})
_PRAGMAS = frozenset({"table_list", "table_xinfo", "integrity_check"})
_STATEMENTS = ("CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ")
_GENERATED = (2, 3)


class Target:
    """A new database that rows are written to; a scratch file until its folder is synced."""

    def __init__(self, connection: sqlite3.Connection, prefix: str, hashed: bool) -> None:
        self._connection = connection
        self._prefix = prefix
        self._hashed = hashed

    def create_tables(self) -> None:
        """Rows lie in the order of their ids, which spares an index of them."""
        for table in TABLES:
            columns = [f"{column.name} {_SQL_TYPES[column.type]}" for column in table.columns]
            columns += [f"{column.name} TEXT" for column in STAMP_COLUMNS]
            if self._hashes(table):
                columns += [f"{name} {kind}" for name, kind in HASHES.items()]
            self._connection.execute(
                f"CREATE TABLE {self._prefix}{table.name} "
                f"(id TEXT PRIMARY KEY NOT NULL, {', '.join(columns)}) WITHOUT ROWID"
            )

    def insert(self, table: Table, rows: Iterable[Values]) -> int:
        """Writes `rows` as they come, in staging with their hashes, and returns their number.

        Raises PackageRefused where two have the same id.
        """
        hashed = self._hashes(table)
        names = [*COLUMN_NAMES[table.name], *(HASHES if hashed else ())]
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {self._prefix}{table.name} ({', '.join(names)}) VALUES ({marks})"
        try:
            return self._connection.executemany(statement, rows).rowcount
        except sqlite3.IntegrityError:
            raise PackageRefused(
                f"The package has two rows with the same id in its table {table.name}."
            ) from None

    def refuse_twins(self, table: Table) -> None:
        """Raises PackageRefused where two rows that are not deleted have one natural key."""
        key = ", ".join(table.natural_key)
        twins = self._connection.execute(
            f"SELECT {key} FROM {self._prefix}{table.name} WHERE deleted_at IS NULL "
            f"GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        if twins is not None:
            raise PackageRefused(
                f"The package has two rows for one verse in its table {table.name}: {twins[0]!r} "
                f"and {twins[1]!r}."
            )

    def _hashes(self, table: Table) -> bool:
        return self._hashed and table.name in BY_NAME


@contextmanager
def create_source(path: Path) -> Iterator[Target]:
    """A new database to be put into a package; `path` must not exist."""
    with _create(path) as connection:
        yield Target(connection, PREFIX, hashed=False)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")


@contextmanager
def create_staging(path: Path) -> Iterator[Target]:
    """A new staging database; `path` must not exist."""
    with _create(path) as connection:
        yield Target(connection, "", hashed=True)


@contextmanager
def _create(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")


def stage(source: Path, staging: Path, bounds: Bounds) -> dict[str, int]:
    """Reads every row of a package's database and writes those tables anew, checked.

    Runs where its time and memory are limited: what a stranger's file makes SQLite do is not
    known beforehand. Returns the number of rows by table. Raises PackageRefused, and NoSpace.
    """
    try:
        with closing(open_hostile(source)) as connection:
            tables = _check_schema(connection)
            _check_integrity(connection)
            with create_staging(staging) as target:
                target.create_tables()
                counts = {
                    table.name: target.insert(
                        table, _read(connection, table, tables.get(PREFIX + table.name), bounds)
                    )
                    for table in TABLES
                }
                for table in TABLES:
                    if table.natural_key:
                        target.refuse_twins(table)
                return counts
    except (sqlite3.Error, UnicodeError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise NoSpace(FULL) from None
        raise PackageRefused(f"The package's database cannot be read: {error}.") from error


def open_hostile(path: Path) -> sqlite3.Connection:
    """A connection that can read the tables of a package, and do nothing else whatever it is told.

    A statement for anything else raises sqlite3.DatabaseError.
    """
    uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    for limit, value in (
        (sqlite3.SQLITE_LIMIT_LENGTH, _VALUE_LIMIT),
        (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000),
        (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 50),
        (sqlite3.SQLITE_LIMIT_COLUMN, 200),
        (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
        (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0),
    ):
        connection.setlimit(limit, value)
    for pragma in (
        "trusted_schema = OFF",
        "query_only = ON",
        "cell_size_check = ON",
        "mmap_size = 0",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.set_authorizer(_authorize)
    return connection


def _authorize(
    action: int, first: str | None, second: str | None, database: str | None, source: str | None
) -> int:
    allowed = (
        action == sqlite3.SQLITE_SELECT
        or (action == sqlite3.SQLITE_READ and first in _READABLE and source is None)
        or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _check_schema(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """The columns of every table. Raises PackageRefused for anything but tables and indexes.

    Judges by the statements themselves: the columns beside them can lie, and asking SQLite about
    a virtual table runs its module.
    """
    for name, sql in connection.execute("SELECT name, sql FROM sqlite_master"):
        if sql is not None and not str(sql).startswith(_STATEMENTS):
            what = " ".join(str(sql)[:80].split()[:2]).lower()
            raise PackageRefused(
                f"The package's database has more than tables: {str(name)[:80]!r} is a {what!r}."
            )
    tables: dict[str, frozenset[str]] = {}
    for _, name, *_ in connection.execute("PRAGMA table_list").fetchall():
        columns = connection.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
        if any(column[6] in _GENERATED for column in columns):
            raise PackageRefused(f"The package's table {name[:80]!r} has a generated column.")
        tables[name] = frozenset(column[1] for column in columns)
    return tables


def _check_integrity(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        fault = str(found).splitlines()[-1][:200].rstrip(".")
        raise PackageRefused(f"The package's database is damaged: {fault}.")


def _read(
    connection: sqlite3.Connection, table: Table, present: frozenset[str] | None, bounds: Bounds
) -> Iterator[Values]:
    if present is None:
        return
    if "id" not in present:
        raise PackageRefused(f"The package's table {table.name} has no ids.")
    columns = [name if name in present else "NULL" for name in COLUMN_NAMES[table.name]]
    selected = connection.execute(f"SELECT {', '.join(columns)} FROM {PREFIX}{table.name}")
    check = checker(table, bounds)
    while rows := selected.fetchmany(_AT_ONCE):
        yield from check(rows)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
