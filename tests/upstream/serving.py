"""A whole server in this process, and a hotspot that syncs with it over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg

from hotspot import clock as clocks
from hotspot.clock import Clock
from hotspot.http.auth import hash_token
from hotspot.http.serving import serve
from hotspot.model.box import BoxReport
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Device, Provenance, RecordTransaction
from hotspot.store.store import HotspotStore
from hotspot.syncing.session import SessionReport, run_session
from hotspot.syncing.upstream import Upstream
from hotspot.upstream import devices, metrics
from hotspot.upstream.app import build_app
from hotspot.upstream.database import open_pool
from hotspot.upstream.fleet import Fleet
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import AUTHOR, DEVICE, T0, TEXT, verse, version_row
from tests.store.support import package, staging

TOKEN = "the box's token"
BOX = Device(id="d0000000-0000-4000-8000-0000000000b0", name="Village box", role="hotspot")
ROWS = [version_row(TEXT), *(verse(number) for number in range(1, 6))]
REPORT = BoxReport(version="1.2.3", pending=4, disk_free_bytes=2, disk_bytes=100, undervoltage=True)


@dataclass
class Server:
    """`fleet` is not running: tests flush and sweep when they look."""

    store: PostgresStore
    pool: asyncpg.Pool
    fleet: Fleet
    url: str
    http: aiohttp.ClientSession

    async def edit(self, *rows: Record) -> None:
        """What others pushed here."""
        await edit(self.store, rows, BOX.id)


@dataclass
class Hub:
    """A hotspot with one package of ROWS."""

    store: HotspotStore
    upstream: Upstream
    clock: Clock

    async def edit(self, *rows: Record) -> None:
        """What phones pushed here."""
        await edit(self.store, rows, DEVICE.id)

    async def sync(self, report: BoxReport | None = REPORT) -> SessionReport:
        """One session that ends well."""
        done = await run_session(self.store, self.upstream, self.clock, report)
        assert done.error is None, done.error
        return done


async def edit(store: PostgresStore | HotspotStore, rows: Sequence[Record], device: str) -> None:
    async def work(tx: RecordTransaction) -> None:
        held = await tx.current([row.key for row in rows])
        by = Provenance(device_id=device, changed_by=AUTHOR)
        await tx.accept([Accepted(row, held.get(row.key), by) for row in rows])

    await store.write(work)


@asynccontextmanager
async def running(url: str, folder: Path) -> AsyncIterator[Server]:
    """A server over the database, which has ROWS and knows BOX."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(PostgresStore.open(url))
        pool = await stack.enter_async_context(open_pool(url))
        await edit(store, ROWS, BOX.id)
        async with pool.acquire() as connection:
            await devices.add_device(connection, BOX, hash_token(TOKEN))
        clock = await asyncio.to_thread(clocks.wall)
        fleet = Fleet(pool, clock)
        app = build_app(store, clock, folder, fleet, metrics.routes(pool))
        port = await stack.enter_async_context(serve(app, "127.0.0.1", 0))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Server(store, pool, fleet, f"http://127.0.0.1:{port}", http)


@asynccontextmanager
async def hotspot(server: Server, folder: Path) -> AsyncIterator[Hub]:
    """A hotspot that is in step with the server."""
    clock = await asyncio.to_thread(clocks.wall)
    async with HotspotStore.open(folder / "hub.db", clock) as store:
        await store.publish(package(), staging(folder / "staging.db", ROWS), T0)
        hub = Hub(store, Upstream(server.http, server.url, TOKEN, clock), clock)
        await hub.sync()
        yield hub
