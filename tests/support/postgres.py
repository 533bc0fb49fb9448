"""One embedded PostgreSQL server for all tests of a session, and a new database for each."""

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from itertools import count
from pathlib import Path

import asyncpg

from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.postmaster import Postmaster

_numbers = count(1)
_TEMPLATE = "migrated"


@cache
def server_url() -> str:
    """The URL of the session's server, which is stopped and removed when Python exits."""
    folder = Path(tempfile.mkdtemp(prefix="hotspot-test-"))
    postmaster = Postmaster(folder)

    def end() -> None:
        postmaster.stop()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return postmaster.start()


def database_url(name: str) -> str:
    """The URL of another database of the session's server."""
    return server_url().replace("/postgres?", f"/{name}?")


@asynccontextmanager
async def new_database(*, migrated: bool = True) -> AsyncIterator[str]:
    """The URL of a database that nobody else uses, dropped afterwards."""
    name = f"test_{next(_numbers)}"
    server = await asyncpg.connect(await asyncio.to_thread(server_url))
    try:
        template = await _migrated_template(server) if migrated else "template1"
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield database_url(name)
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


async def _migrated_template(server: asyncpg.Connection) -> str:
    """A database with the whole schema, made once and copied since."""
    if not await server.fetchval("SELECT true FROM pg_database WHERE datname = $1", _TEMPLATE):
        await server.execute(f"CREATE DATABASE {_TEMPLATE}")
        connection = await asyncpg.connect(database_url(_TEMPLATE))
        await migrate(connection, await asyncio.to_thread(migrations))
        await connection.close()
    return _TEMPLATE
