"""The upstream's store in a fresh PostgreSQL database, for the contract suite."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec

from hotspot.model import instants, records
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Device, Loser, Provenance
from hotspot.model.tables import BY_NAME
from hotspot.upstream import devices
from hotspot.upstream.conflicts import PostgresConflicts
from hotspot.upstream.database import connect, open_pool
from hotspot.upstream.store import PostgresStore
from hotspot.upstream.transaction import PostgresTransaction
from tests.contract.opened import DEVICE, T1, Opened
from tests.support.postgres import new_database


@asynccontextmanager
async def open_store(tmp_path: Path) -> AsyncIterator[Opened]:
    """An empty store in a database of its own."""
    async with new_database() as url, open_at(url) as opened:
        yield opened


@asynccontextmanager
async def open_at(url: str) -> AsyncIterator[Opened]:
    """The store in the database at `url`, which is migrated and empty."""
    async with (
        PostgresStore.open(url) as store,
        open_pool(url) as pool,
        connect(url) as connection,
    ):
        helpers = _Helpers(pool)
        await helpers.add_device(DEVICE, "d0" * 32)
        yield Opened(
            store,
            helpers.seed,
            helpers.losers,
            helpers.add_device,
            helpers.revoke,
            helpers.add_pairing,
            PostgresConflicts(connection),
        )


class _Helpers:
    """What only tests need, by plain SQL where no part of the store does it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def seed(self, rows: Sequence[Record]) -> None:
        edits = [Accepted(row, None, Provenance(device_id=DEVICE.id)) for row in rows]
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('hotspot.change_source', 'import', true)")
            await PostgresTransaction(connection).accept(edits)

    async def losers(self) -> list[Loser]:
        rows = await self._pool.fetch(
            "SELECT *, device_id::text AS device, record_id::text AS record_name"
            " FROM losing_versions ORDER BY id"
        )
        return [
            Loser(
                records.from_wire(
                    BY_NAME[row["table_name"]],
                    row["record_name"],
                    msgspec.json.decode(row["record"]),
                ),
                row["winner"],
                row["resolution"],
                row["reason"],
                row["device"],
            )
            for row in rows
        ]

    async def add_device(self, device: Device, token_hash: str) -> None:
        async with self._pool.acquire() as connection:
            await devices.add_device(connection, device, token_hash)

    async def revoke(self, device_id: str) -> None:
        await self._pool.execute("UPDATE devices SET revoked_at = now() WHERE id = $1", device_id)

    async def add_pairing(self, code_hash: str, valid_ms: int) -> None:
        expires_at = instants.later(T1, valid_ms)
        await self._pool.execute(
            "INSERT INTO pairing_codes VALUES ($1, $2::text::timestamptz)", code_hash, expires_at
        )
