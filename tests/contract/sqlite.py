"""The hotspot's store for the contract suite."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec

from hotspot.clock import Clock
from hotspot.model import instants
from hotspot.model.merge import Outcome
from hotspot.model.records import Record
from hotspot.model.stores import Loser
from hotspot.store.store import HotspotStore
from tests.contract.opened import DEVICE, T2, Opened

_LOSERS = """
SELECT record_json, winner_version, resolution, reason, device_id FROM losing_versions ORDER BY id
"""


@asynccontextmanager
async def open_store(tmp_path: Path) -> AsyncIterator[Opened]:
    """A new database in `tmp_path`."""
    path = tmp_path / "hotspot.db"
    clock = await asyncio.to_thread(Clock, instants.to_ms(T2))
    async with HotspotStore.open(path, clock) as store:
        await store.add_device(DEVICE, "d0" * 32)

        async def seed(records: Sequence[Record]) -> None:
            outcomes = [Outcome(table=r.table, id=r.id, record=r) for r in records]
            await store.write_replica(lambda tx: tx.settle(outcomes, T2))

        async def revoke(device_id: str) -> None:
            await store.revoke(device_id)

        yield Opened(
            store=store,
            seed=seed,
            losers=lambda: _losers(path),
            add_device=store.add_device,
            revoke=revoke,
            add_pairing=store.create_pairing,
            conflicts=store,
        )


async def _losers(path: Path) -> Sequence[Loser]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(_LOSERS).fetchall()
    return [Loser(msgspec.json.decode(row[0], type=Record), *row[1:]) for row in rows]
