"""Running the upstream's server until it is told to stop."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import asyncpg

from hotspot import clock
from hotspot.config import Config
from hotspot.errors import HotspotError
from hotspot.http.serving import serve
from hotspot.http.traffic import watch as watch_traffic
from hotspot.model.limits import Limits, Rate
from hotspot.model.traffic import Traffic
from hotspot.upstream import metrics, trimming
from hotspot.upstream.administration import database_url
from hotspot.upstream.app import build_app
from hotspot.upstream.database import connect, open_pool
from hotspot.upstream.fleet import Fleet
from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.store import PostgresStore
from hotspot.upstream.watching import watch

log = logging.getLogger(__name__)

LIMITS = Limits(
    connections=20_000, per_address=2_000, requests=Rate(10_000, 2_000), writes=Rate(2_000, 200)
)
"""A country's hotspots, many of them behind the one address of a mobile network or a proxy."""
TRIM_EVERY_S = 24 * 3_600.0


async def run(config: Config, keep_days: int) -> None:
    """Serves until SIGTERM or SIGINT. Raises HotspotError where it cannot begin.

    `keep_days`: how long the change log keeps what is superseded.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with database_url(config) as url:
        async with connect(url) as connection:
            await migrate(connection, await asyncio.to_thread(migrations))
        async with (
            PostgresStore.open(url, config.database_replica_url) as store,
            open_pool(url) as pool,
            _beside(_trim(url, keep_days)),
        ):
            await _serve(config, store, pool, stopping)


async def _serve(
    config: Config, store: PostgresStore, pool: asyncpg.Pool, stopping: asyncio.Event
) -> None:
    time = await asyncio.to_thread(clock.wall)
    fleet = Fleet(pool, time)
    app = build_app(store, time, config.packages, fleet, metrics.routes(pool))
    watch_traffic(app, Traffic(), log_each=config.access_log)
    async with (
        _beside(fleet.run()),
        _beside(watch(pool)),
        serve(app, config.http_host, config.upstream_port, limits=LIMITS) as port,
    ):
        log.info("The upstream answers on port %d.", port)
        await stopping.wait()
        log.info("The upstream stops.")


async def _trim(url: str, keep_days: int) -> None:
    """Shortens the change log at once and then daily, until cancelled."""
    while True:
        try:
            async with connect(url) as connection:
                removed, emptied = await trimming.trim(connection, keep_days)
            log.info("Change log: %d entries removed, %d emptied.", removed, emptied)
        except (HotspotError, asyncpg.PostgresError, OSError) as error:
            log.warning("The change log was not shortened: %s", error)
        await asyncio.sleep(TRIM_EVERY_S)


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs `work` until the block ends, and waits for its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
