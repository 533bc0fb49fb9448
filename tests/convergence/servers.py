"""The server of these tests, of either kind: what people do to it behind the protocol's back."""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import msgspec

from hotspot.errors import TryLater
from hotspot.http.auth import hash_token
from hotspot.model import records
from hotspot.model.aliases import natural_key
from hotspot.model.records import Key, Record
from hotspot.model.stores import (
    Accepted,
    Device,
    Provenance,
    RecordTransaction,
)
from hotspot.model.tables import BY_NAME, CONTENT_TABLES
from hotspot.store.store import HotspotStore
from hotspot.syncing.digests import DigestEndpoint
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.upstream import epochs, rows
from hotspot.upstream.devices import add_device
from hotspot.upstream.store import PostgresStore
from hotspot.upstream.transaction import PostgresTransaction
from tests.contract.opened import DEVICE, Store
from tests.convergence.hubs import all_rows
from tests.convergence.network import Truth
from tests.store.support import bring, query
from tests.support.postgres import new_database


class Server(Protocol):
    """The node at the end of every chain.

    `hard_deletes`: whether rows can vanish from it.
    """

    handlers: dict[str, Any]
    store: Store
    hard_deletes: bool

    async def start(self, stack: AsyncExitStack, seeds: Sequence[Record]) -> None:
        """Holds the seeds, as its operator loaded them."""

    async def pair(self, device: Device, token: str) -> None: ...

    async def rows(self) -> dict[Key, Record]: ...

    async def losers(self) -> list[Record]: ...

    async def aliases(self) -> set[Key]:
        """Ids that name other records."""

    async def change(self, row: Record, text: str, *, deleted: bool, stamped: bool) -> bool:
        """Somebody at the server changes a row; False where its place is taken.

        `stamped`: with a stamp of their own.
        """

    async def drop(self, key: Key) -> None:
        """Somebody at the server deletes a row for good."""

    async def back_up(self) -> None:
        """Keeps the database as it is, in place of what was kept before."""

    async def restore(self) -> None:
        """Goes back to what was kept, and begins a new epoch."""

    def lose_power(self) -> None:
        """The next transaction is not committed."""

    def recover(self) -> None:
        """Transactions are committed."""


def handlers_of(store: Store, truth: Truth) -> dict[str, Any]:
    """The server half, on a clock that is right."""
    clock = truth.reference()
    endpoints = SyncEndpoints(store, store, clock)
    return {
        "changes": endpoints.changes,
        "upload": endpoints.upload,
        "digest": DigestEndpoint(store, clock).digest,
    }


class Fragile:
    """Makes a store fail before the next commit, when it is told to."""

    def __init__(self) -> None:
        self.failing = False

    def protect(self, store: Any) -> None:
        """From now on `store` fails when it is told to."""
        write = store.write

        async def fragile(work: Callable[[RecordTransaction], Awaitable[Any]]) -> Any:
            async def last(tx: RecordTransaction) -> Any:
                result = await work(tx)
                if self.failing:
                    self.failing = False
                    raise TryLater("There is no power.")
                return result

            return await write(last)

        store.write = fragile

    def lose_power(self) -> None:
        self.failing = True

    def recover(self) -> None:
        self.failing = False


class SqliteServer(Fragile):
    """A hotspot's store in the server's place."""

    hard_deletes = False

    def __init__(self, folder: Path, truth: Truth) -> None:
        self._folder, self._truth = folder, truth
        self._life, self._kept = 0, 0
        super().__init__()

    @property
    def path(self) -> Path:
        return self._folder / f"server-{self._life}.db"

    async def start(self, stack: AsyncExitStack, seeds: Sequence[Record]) -> None:
        stack.push_async_callback(self._close)
        await self._open()
        await bring(self.store, *seeds)

    async def _open(self) -> None:
        self._stack = AsyncExitStack()
        opening = HotspotStore.open(self.path, self._truth.reference())
        self.store = await self._stack.enter_async_context(opening)
        self.protect(self.store)
        self.handlers = handlers_of(self.store, self._truth)

    async def _close(self) -> None:
        await self._stack.aclose()

    async def pair(self, device: Device, token: str) -> None:
        await self.store.add_device(device, hash_token(token))

    async def rows(self) -> dict[Key, Record]:
        return await all_rows(self.store)

    async def losers(self) -> list[Record]:
        found = query(self.path, "SELECT record_json FROM losing_versions")
        return [msgspec.json.decode(encoded, type=Record) for (encoded,) in found]

    async def aliases(self) -> set[Key]:
        return {
            Key(*row) for row in query(self.path, "SELECT table_name, alias_id FROM record_aliases")
        }

    async def change(self, row: Record, text: str, *, deleted: bool, stamped: bool) -> bool:
        now = self._truth.now()
        values = {**row.values, "verse_text": text, "deleted_at": now if deleted else None}
        edit = records.make(row, max(now, row.updated_at), values)
        key = natural_key(row)
        assert key is not None

        async def work(tx: RecordTransaction) -> bool:
            holder = (await tx.holders([key])).get(key, row)
            if holder.id != row.id and not deleted:
                return False
            await tx.accept([Accepted(edit, row, Provenance(device_id=None))])
            return True

        return await self.store.write(work)

    async def drop(self, key: Key) -> None:
        raise NotImplementedError

    async def back_up(self) -> None:
        self._kept += 1
        query(self.path, "VACUUM INTO ?", str(self._backup))

    @property
    def _backup(self) -> Path:
        return self._folder / f"backup-{self._kept}.db"

    async def restore(self) -> None:
        await self._close()
        self._life += 1
        await asyncio.to_thread(shutil.copyfile, self._backup, self.path)
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(
                "UPDATE meta SET value = ? WHERE key = 'epoch'", (f"epoch {self._life}",)
            )
        await self._open()


class PostgresServer(Fragile):
    """The upstream's store in a database of its own."""

    hard_deletes = True

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        super().__init__()

    async def start(self, stack: AsyncExitStack, seeds: Sequence[Record]) -> None:
        url = await stack.enter_async_context(new_database())
        self.store = await stack.enter_async_context(PostgresStore.open(url))
        self.protect(self.store)
        self.handlers = handlers_of(self.store, self._truth)
        self._sql = await asyncpg.connect(url)
        stack.push_async_callback(self._sql.close)
        await add_device(self._sql, DEVICE, "d0" * 32)
        edits = [Accepted(row, None, Provenance(device_id=DEVICE.id)) for row in seeds]
        async with self._sql.transaction():
            await self._sql.execute("SELECT set_config('hotspot.change_source', 'import', true)")
            await PostgresTransaction(self._sql).accept(edits)

    async def pair(self, device: Device, token: str) -> None:
        await add_device(self._sql, device, hash_token(token))

    async def rows(self) -> dict[Key, Record]:
        found = {}
        for table in CONTENT_TABLES:
            sql = f"SELECT {rows.selected(table, 't')} FROM {table.name} t"
            for row in await self._sql.fetch(sql):
                record = rows.record_of(table, row)
                found[record.key] = record
        return found

    async def losers(self) -> list[Record]:
        found = await self._sql.fetch(
            "SELECT table_name, record_id::text AS id, record::text FROM losing_versions"
        )
        return [
            records.from_wire(
                BY_NAME[one["table_name"]], one["id"], msgspec.json.decode(one["record"])
            )
            for one in found
        ]

    async def aliases(self) -> set[Key]:
        found = await self._sql.fetch("SELECT table_name, alias_id::text AS id FROM record_aliases")
        return {Key(one["table_name"], one["id"]) for one in found}

    async def change(self, row: Record, text: str, *, deleted: bool, stamped: bool) -> bool:
        gone = self._truth.now() if deleted else None
        sets = "verse_text = $2, deleted_at = $3::text::timestamptz"
        given = [row.id, text, gone]
        if stamped:
            sets += ", updated_at = $4::text::timestamptz"
            given.append(self._truth.now())
        try:
            await self._sql.execute(f"UPDATE verse_texts SET {sets} WHERE id = $1", *given)
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def drop(self, key: Key) -> None:
        await self._sql.execute(f"DELETE FROM {key.table} WHERE id = $1", key.id)

    async def back_up(self) -> None:
        await self._sql.execute("DROP SCHEMA IF EXISTS backup CASCADE; CREATE SCHEMA backup")
        for name in await self._tables():
            await self._sql.execute(f"CREATE TABLE backup.{name} AS TABLE public.{name}")

    async def restore(self) -> None:
        async with self._sql.transaction():
            await self._sql.execute("SET LOCAL session_replication_role = replica")
            for name in await self._tables():
                await self._sql.execute(
                    f"DELETE FROM public.{name};"
                    f"INSERT INTO public.{name} OVERRIDING SYSTEM VALUE"
                    f" SELECT * FROM backup.{name}"
                )
            await epochs.renew(self._sql)

    async def _tables(self) -> list[str]:
        found = await self._sql.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        return [one["relname"] for one in found]
