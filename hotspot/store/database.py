"""The open database: one writer, and readers beside it that never wait for it."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from hotspot.model.digest import row_hash
from hotspot.store.failures import is_damage, translated
from hotspot.store.migrate import migrate, scripts
from hotspot.store.rows import fetch
from hotspot.store.writer import Writer, as_uri

READERS = 2

_PRAGMAS = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -2048",
)
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA wal_autocheckpoint = 3500",
    "PRAGMA journal_size_limit = 16000000",
)
"""Pages that change again and again are copied to the database once in 14 MB of log, not in 4."""


class Database:
    """The connections. `epoch` names this life of the feed.

    `doubted`: set when a part of the file could not be read as it was written.
    """

    def __init__(
        self, path: Path, writer: Writer, readers: Sequence[aiosqlite.Connection], epoch: str
    ) -> None:
        self.path = path
        self.writer = writer
        self.epoch = epoch
        self.doubted = writer.doubted
        self._free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._ending: set[asyncio.Task[None]] = set()
        for reader in readers:
            self._free.put_nowait(reader)

    async def read(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """All rows of one SELECT."""
        async with self.snapshot() as connection:
            return await fetch(connection, sql, parameters)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[aiosqlite.Connection]:
        """A connection on which all statements see one state of the database."""
        connection = await self._free.get()
        try:
            await connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            if is_damage(error):
                self.doubted.set()
            raise translated(error) from error
        finally:
            ending = asyncio.create_task(self._give_back(connection))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.shield(ending)

    async def _give_back(self, connection: aiosqlite.Connection) -> None:
        """Ends the snapshot; runs to its end also where the reader was cancelled."""
        try:
            await connection.rollback()
        finally:
            self._free.put_nowait(connection)


@asynccontextmanager
async def open_database(path: Path, now: str) -> AsyncIterator[Database]:
    """The database in the file `path`, made and migrated where needed.

    On a card that takes no writes it can be read, if nothing is to be migrated; otherwise
    CannotWrite is raised. Raises StoreDamaged for a file that is not usable.
    """
    migrations = await asyncio.to_thread(_prepare, path)
    mode = await asyncio.to_thread(_mode, path)
    async with AsyncExitStack() as stack:
        try:
            own = () if mode else _WRITER_PRAGMAS
            connection = await stack.enter_async_context(_connect(path, mode, own))
            await connection.create_function("row_hash", 3, row_hash, deterministic=True)
            await migrate(connection, migrations, now)
            readers = [
                await stack.enter_async_context(_connect(path, mode, ("PRAGMA query_only = ON",)))
                for _ in range(READERS)
            ]
            rows = await fetch(connection, "SELECT value FROM meta WHERE key = 'epoch'")
        except sqlite3.Error as error:
            raise translated(error) from error
        watch = "SELECT value FROM meta WHERE key = 'catalogue'"
        writer = Writer(connection, watch, read_only=bool(mode))
        await writer.start()
        stack.push_async_callback(writer.stop)
        yield Database(path, writer, readers, rows[0][0])


def _prepare(path: Path) -> list[tuple[int, str, str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return scripts()


def _mode(path: Path) -> str:
    """How to open the database: "", or on a card that takes no writes what SQLite needs there.

    What a power cut left in the log beside the database is read with it; where there is no log,
    SQLite must not want to begin one.
    """
    if not os.statvfs(path.parent).f_flag & os.ST_RDONLY:
        return ""
    with_log = all(path.with_name(path.name + more).exists() for more in ("-wal", "-shm"))
    return "?mode=ro" if with_log else "?immutable=1"


@asynccontextmanager
async def _connect(
    path: Path, mode: str, pragmas: Sequence[str]
) -> AsyncIterator[aiosqlite.Connection]:
    uri = as_uri(path) + mode
    async with aiosqlite.connect(uri, uri=True, isolation_level=None) as connection:
        for pragma in (*_PRAGMAS, *pragmas):
            await fetch(connection, pragma)
        yield connection
