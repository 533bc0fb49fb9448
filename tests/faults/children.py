"""Processes that a test kills: one that syncs a hotspot, and one that serves it to phones.

`python -m tests.faults.children sync DATA URL`, or `serve DATA`, which prints its port.
"""

import asyncio
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model import instants
from hotspot.store.store import HotspotStore
from hotspot.syncing.audio import AudioFetches
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.syncing.session import run_session
from hotspot.syncing.upstream import Upstream

NOW_MS = instants.to_ms("2026-11-22T10:00:00.000Z")
TOKEN = "the token of a hotspot"


async def sync(data: Path, url: str) -> None:
    """One session, and every recording that is wanted after it."""
    config, clock = Config(data_dir=data), await asyncio.to_thread(Clock, NOW_MS, NOW_MS)
    async with HotspotStore.open(config.database, clock) as store, aiohttp.ClientSession() as http:
        report = await run_session(store, Upstream(http, url, TOKEN, clock), clock)
        if report.error is not None:
            raise report.error
        await AudioFetches(store, http, url, config.packages, clock).fetch_all()


async def serve_phones(data: Path) -> None:
    """Serves until it is killed."""
    clock = await asyncio.to_thread(Clock, NOW_MS, NOW_MS)
    async with HotspotStore.open(Config(data_dir=data).database, clock) as store:
        app = web.Application(middlewares=[error_middleware(clock)])
        app.add_routes(SyncEndpoints(store, store, clock).routes())
        async with serve(app, "127.0.0.1", 0) as port:
            print(port, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "sync":
        asyncio.run(sync(Path(sys.argv[2]), sys.argv[3]))
    else:
        asyncio.run(serve_phones(Path(sys.argv[2])))
