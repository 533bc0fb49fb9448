"""Running the upstream's server until it is told to stop."""

import asyncio
import logging
import signal

from hotspot import clock
from hotspot.config import Config
from hotspot.http.serving import serve
from hotspot.upstream.administration import database_url
from hotspot.upstream.app import build_app
from hotspot.upstream.database import connect
from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.store import PostgresStore

log = logging.getLogger(__name__)


async def run(config: Config) -> None:
    """Serves until SIGTERM or SIGINT. Raises HotspotError where it cannot begin."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with database_url(config) as url:
        async with connect(url) as connection:
            await migrate(connection, await asyncio.to_thread(migrations))
        async with PostgresStore.open(url) as store:
            await _serve(config, store, stopping)


async def _serve(config: Config, store: PostgresStore, stopping: asyncio.Event) -> None:
    app = build_app(store, await asyncio.to_thread(clock.wall), config.packages)
    async with serve(app, config.http_host, config.upstream_port) as port:
        log.info("The upstream answers on port %d.", port)
        await stopping.wait()
        log.info("The upstream stops.")
