"""PostgreSQL servers that a test may stop and kill, and ports for servers."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.postmaster import Postmaster


@contextmanager
def folder_for_server() -> Iterator[Path]:
    """A folder for `embedded`; whatever server is left in it is stopped in the end."""
    folder = Path(tempfile.mkdtemp(prefix="hotspot-test-"))
    try:
        yield folder
    finally:
        Postmaster(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


async def migrate_database(url: str) -> None:
    """Brings the schema of the database at `url` up to date."""
    connection = await asyncpg.connect(url)
    await migrate(connection, await asyncio.to_thread(migrations))
    await connection.close()


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
