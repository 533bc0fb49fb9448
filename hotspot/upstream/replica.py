"""Reading the feed from a server that follows the database, where that one has come far enough.

What is read there is never less than what the client has: everything that its positions and its
own uploads name has arrived. It may be older than what the database has, by as much as the replica
is behind; the next poll brings the rest. Transactions end on a replica in the order in which they
did, and those that have not ended are left out, as they are on the database itself.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from hotspot.errors import HotspotError, PositionGone
from hotspot.model import positions
from hotspot.model.stores import FeedPage, FeedQuery
from hotspot.upstream import feed
from hotspot.upstream.database import away_is_try_later, open_pool

log = logging.getLogger(__name__)

REST_S = 10.0
"""For so long a replica is not asked after it failed."""

_HOW_FAR = """
SELECT epoch, pg_is_in_recovery() AS follows, pg_snapshot_xmin(pg_current_snapshot()) AS horizon
FROM sync_epoch
"""


class Replica:
    """A server that may be away, or behind: then it gives nothing, and the database is asked."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._rests_until = 0.0

    async def read_changes(self, query: FeedQuery) -> FeedPage | None:
        """A page of the feed; None where the database itself has to be asked."""
        if query.record_ids is not None or time.monotonic() < self._rests_until:
            return None
        try:
            with away_is_try_later():
                pool = await self._opened()
                async with pool.acquire() as connection:
                    return await _read(connection, query)
        except PositionGone:
            return None
        except (HotspotError, asyncpg.PostgresError) as error:
            log.warning("The replica is left alone for %.0f s: %s", REST_S, error)
            self._rests_until = time.monotonic() + REST_S
            return None

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._stack.enter_async_context(open_pool(self._url))
            return self._pool


@asynccontextmanager
async def open_replica(url: str) -> AsyncIterator[Replica]:
    """The replica at `url`, which is connected to when it is first needed."""
    async with AsyncExitStack() as stack:
        yield Replica(url, stack)


async def _read(connection: asyncpg.Connection, query: FeedQuery) -> FeedPage | None:
    at = await connection.fetchrow(_HOW_FAR)
    if at is None or not at["follows"] or not _arrived(query, at["epoch"], at["horizon"]):
        return None
    page = await feed.read_changes(connection, query)
    return page if all(scope.known for scope in page.scopes) else None


def _arrived(query: FeedQuery, epoch: str, horizon: int) -> bool:
    """Whether all transactions that the query names have ended here. Raises PositionGone."""
    tokens = [token for _, token in query.scopes if token is not None]
    named = [positions.decode(epoch, token, (int, int))[0] for token in tokens]
    return all(int(xid) < horizon for xid in (*named, *positions.named(epoch, query.written)))
