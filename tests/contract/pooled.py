"""The upstream's store through PgBouncer in transaction mode, for the contract suite."""

import asyncio
import atexit
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from tests.contract.opened import Opened
from tests.contract.postgres import open_at
from tests.support.pooler import pgbouncer, pooled_url
from tests.support.postgres import new_database


@asynccontextmanager
async def open_store(tmp_path: Path) -> AsyncIterator[Opened]:
    """An empty store in a database of its own."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database())
        port = await asyncio.to_thread(_port)
        yield await stack.enter_async_context(open_at(pooled_url(port, urlsplit(url).path)))


@cache
def _port() -> int:
    """That of the session's pooler, which ends with Python."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(pgbouncer())
