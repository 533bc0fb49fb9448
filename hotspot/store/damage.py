"""Is a database file whole? And reading what can still be read of one that is not. Blocking.

The file is only ever read here: what is wrong with it may be wanted later.
"""

import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hotspot.model.tables import BY_NAME
from hotspot.store.writer import as_uri

Row = dict[str, Any]

TRIES = 400
"""Spans of a table that are tried around what cannot be read."""

_NEEDED = {*BY_NAME, "meta", "record_sync_status", "losing_versions", "devices", "local_packages"}
_FIRST_ROWID, _LAST_ROWID = -(2**63), 2**63 - 1
_OURS = "SELECT count(*) FROM meta WHERE key IN ('epoch', 'seq', 'floor_ms')"
_NO_DAMAGE = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_FULL,
)
"""What says nothing of the file itself."""
_UNREADABLE = (
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
)
"""Of the failures of the card those that do; the others come of a full one, too."""


def damage(path: Path, *, thorough: bool) -> str | None:
    """What is wrong with the database file `path`; None: nothing, or there is no such file.

    `thorough`: all of it is read, which takes seconds for 100 MB on a card; otherwise its length,
    its schema and what it knows of itself.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    try:
        with closing(_read_only(path)) as connection:
            return _fault(connection, path, thorough)
    except sqlite3.Error as error:
        return str(error) if _tells(getattr(error, "sqlite_errorcode", 0)) else None


def _tells(code: int) -> bool:
    """Whether an error of this extended code comes of what is in the file."""
    if code & 0xFF == sqlite3.SQLITE_IOERR:
        return code in _UNREADABLE
    return code & 0xFF not in _NO_DAMAGE


def _fault(connection: sqlite3.Connection, path: Path, thorough: bool) -> str | None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    if thorough:
        ((found,),) = connection.execute("PRAGMA quick_check(1)")
        if found != "ok":
            return str(found).strip().replace("\n", " ")
    elif _is_short(connection, path):
        return "its end is missing"
    if "migrations" not in tables:
        return None
    ((applied,),) = connection.execute("SELECT count(*) FROM migrations")
    lacking = sorted(_NEEDED - tables)
    if applied >= len(_NEEDED) and lacking:
        return f"table {lacking[0]} is missing"
    if applied and connection.execute(_OURS).fetchone() != (3,):
        return "what it knows of itself is missing"
    return None


def _is_short(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether pages are missing at the end, which are not in the log either."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return False
    ((pages, size),) = connection.execute("SELECT * FROM pragma_page_count, pragma_page_size")
    return path.stat().st_size < int(pages) * int(size)


def _read_only(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(as_uri(path) + "?mode=ro", uri=True)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    return connection


class Remains:
    """A damaged database, read row by row. `lost`: the tables of which something is missing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.lost: set[str] = set()
        self._connection = connection

    def rows(self, table: str, where: str = "true", *parameters: Any) -> list[Row]:
        """The rows of `table` for which `where` holds, as far as they can be read."""
        found: dict[int, Row] = {}
        spans = [(_FIRST_ROWID, _LAST_ROWID)]
        for _ in range(TRIES):
            if not spans:
                return list(found.values())
            low, high = spans.pop()
            up = self._walk(table, where, parameters, low, high, "ASC", found)
            if up is None:
                continue
            self.lost.add(table)
            down = self._walk(table, where, parameters, up, high, "DESC", found)
            if down is not None and up < down:
                middle = (up + down) // 2
                spans += [(up, middle), (middle + 1, down)]
        return list(found.values())

    def keyed_rows(self, table: str) -> list[Row]:
        """The same for a table that has no rowids: from both ends up to what is damaged."""
        found: dict[tuple[Any, ...], Row] = {}
        for way in ("ASC", "DESC"):
            try:
                cursor = self._connection.execute(f"SELECT * FROM {table} ORDER BY 1 {way}")
                for row in cursor:
                    found[row] = _named(cursor, row)
                return list(found.values())
            except sqlite3.Error:
                self.lost.add(table)
        return list(found.values())

    def _walk(
        self,
        table: str,
        where: str,
        parameters: tuple[Any, ...],
        low: int,
        high: int,
        way: str,
        found: dict[int, Row],
    ) -> int | None:
        """Reads one span up to its end or to a fault; then returns the rowid not yet tried."""
        step, at = (1, low) if way == "ASC" else (-1, high)
        try:
            cursor = self._connection.execute(
                f"SELECT rowid, * FROM {table} NOT INDEXED"
                f" WHERE rowid BETWEEN ? AND ? AND ({where}) ORDER BY rowid {way}",
                (low, high, *parameters),
            )
            for row in cursor:
                found[row[0]] = _named(cursor, row)
                at = max(_FIRST_ROWID, min(row[0] + step, _LAST_ROWID))
        except sqlite3.Error:
            return at
        return None


def _named(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


@contextmanager
def remains(path: Path, scratch: Path) -> Iterator[Remains]:
    """What is left of the database `path`.

    Where its first bytes are damaged, so that nothing at all could be read, a copy with other ones
    is read at `scratch`, which is gone afterwards.
    """
    try:
        with closing(_read_only(path)) as connection:
            if _has_schema(connection):
                yield Remains(connection)
                return
        _copy_with_header(path, scratch)
        with closing(_read_only(scratch)) as connection:
            yield Remains(connection)
    finally:
        for suffix in ("", "-wal", "-shm"):
            scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)


def _has_schema(connection: sqlite3.Connection) -> bool:
    try:
        return bool(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    except sqlite3.Error:
        return False


_HEADER = struct.Struct(">16sH6B12I20sII")
"""The first 100 bytes of an SQLite file, by its documentation."""


def _copy_with_header(path: Path, scratch: Path) -> None:
    """Page size, format and encoding as this program makes its databases; no free pages."""
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copyfile(source, scratch.with_name(scratch.name + suffix))
    sizes = (4096, 2, 2, 0, 64, 32, 32)
    numbers = (1, 0, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0)
    header = _HEADER.pack(b"SQLite format 3\0", *sizes, *numbers, bytes(20), 2, 3_040_000)
    with scratch.open("r+b") as file:
        file.write(header)
