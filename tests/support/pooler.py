"""PgBouncer in transaction mode before the session's PostgreSQL."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from hotspot.upstream.postmaster import ACCOUNT
from tests.support.postgres import server_url
from tests.support.servers import free_port

PATIENCE_S = 20.0
_SETTINGS = """
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
logfile = {folder}/log
pidfile = {folder}/pid
"""


@contextmanager
def pgbouncer() -> Iterator[int]:
    """The port of a pooler that gives each transaction whichever of three processes is free."""
    folder = Path(tempfile.mkdtemp(prefix="hotspot-pooler-"))
    port = free_port()
    host = unquote(urlsplit(server_url()).query.removeprefix("host="))
    settings = folder / "settings.ini"
    settings.write_text(_SETTINGS.format(host=host, port=port, folder=folder))
    account = pwd.getpwnam(ACCOUNT) if os.geteuid() == 0 else None
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    process = subprocess.Popen(
        ["pgbouncer", str(settings)],
        user=account.pw_uid if account is not None else None,
        group=account.pw_gid if account is not None else None,
        extra_groups=[] if account is not None else None,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def pooled_url(port: int, database: str) -> str:
    """The URL of `/database` behind the pooler; nothing in it makes asyncpg look for files."""
    return f"postgresql://anyone:any@127.0.0.1:{port}{database}?sslmode=disable"


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    async def ask() -> None:
        await (await asyncpg.connect(pooled_url(port, "/postgres"), timeout=1)).close()

    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return asyncio.run(ask())
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "no pgbouncer"
            time.sleep(0.05)
