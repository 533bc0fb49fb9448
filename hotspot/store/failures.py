"""What SQLite's errors mean to a caller."""

import sqlite3

from hotspot.errors import CannotWrite, HotspotError, NoSpace, StoreDamaged, TryLater

_PRIMARY = 0xFF
"""SQLite's extended codes have their primary code in the low byte."""


def translated(error: Exception) -> Exception:
    """The error to raise instead of `error`; itself, where it is not the machine's doing."""
    if not isinstance(error, sqlite3.Error) or isinstance(error, sqlite3.ProgrammingError):
        return error
    code = getattr(error, "sqlite_errorcode", 0)
    if code in _NO_WRITES or code & _PRIMARY == sqlite3.SQLITE_READONLY:
        return CannotWrite()
    meaning = _MEANINGS.get(code) or _MEANINGS.get(code & _PRIMARY)
    return meaning[0](meaning[1]) if meaning else error


def is_damage(error: Exception) -> bool:
    """Whether SQLite found that what it read was not what had been written."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


_DAMAGED = (StoreDamaged, "The database is damaged: the hotspot starts again to mend it.")
_FULL = (NoSpace, "The card is full: nothing was changed; make room on it.")
_MEANINGS: dict[int, tuple[type[HotspotError], str]] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: _FULL,
    sqlite3.SQLITE_BUSY: (TryLater, "The database is in use by another program; try again."),
    sqlite3.SQLITE_LOCKED: (TryLater, "The database is in use by another program; try again."),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_IOERR: (
        StoreDamaged,
        "The database cannot be read or written: check the card that the data folder is on.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StoreDamaged,
        "The database cannot be opened: check that the data folder is there and may be written.",
    ),
}
_NO_WRITES = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
)
