"""The upstream's records, feed and devices in PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import asyncpg

from hotspot.errors import TryLater
from hotspot.model.catalogue import StoredAudio
from hotspot.model.digest import Range, RowVersion, ScopeDigest
from hotspot.model.reading import Page, Query
from hotspot.model.stores import Device, FeedPage, FeedQuery, RecordTransaction
from hotspot.model.tables import Scope, ScopeKind
from hotspot.model.version_status import VersionNews
from hotspot.upstream import devices, digests, epochs, feed, media, rest, version_status
from hotspot.upstream.database import POOL_SIZE, RACED, away_is_try_later, open_pool
from hotspot.upstream.replica import Replica, open_replica
from hotspot.upstream.transaction import PostgresTransaction, Raced

T = TypeVar("T")

ATTEMPTS = 5
_WRITERS = POOL_SIZE - 4
"""Uploads at the same time: who reads does not wait for those that wait for each other."""
_PAUSE_S = 0.05
_CROWDED_S = 2.0
"""For how long a client is asked to wait where others were quicker each time."""


class PostgresStore:
    """A `RecordStore`, `DeviceStore` and `TableReader` over a migrated database."""

    def __init__(self, pool: asyncpg.Pool, replica: Replica | None = None) -> None:
        self._pool = pool
        self._replica = replica
        self._writing = asyncio.Semaphore(_WRITERS)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, replica_url: str | None = None) -> AsyncIterator["PostgresStore"]:
        """The store in the database at `url`, which is migrated. Raises TryLater.

        `replica_url`: a server that follows it, for reading the feed.
        """
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(open_pool(url))
            async with pool.acquire() as connection:
                await epochs.bind(connection)
            replica = None
            if replica_url is not None:
                replica = await stack.enter_async_context(open_replica(replica_url))
            yield cls(pool, replica)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        with away_is_try_later():
            async with self._pool.acquire() as connection:
                yield connection

    async def read_changes(self, query: FeedQuery) -> FeedPage:
        """A page of the feed. Raises PositionGone for a token of another epoch."""
        if self._replica is not None:
            page = await self._replica.read_changes(query)
            if page is not None:
                return page
        async with self._connection() as connection:
            return await feed.read_changes(connection, query)

    async def audio(self, media_file_id: str) -> StoredAudio | None:
        """Where one audio file lies, in the folder of loaded packages."""
        async with self._connection() as connection:
            return await media.audio(connection, media_file_id)

    async def digest(self, asked: Sequence[tuple[Scope, Sequence[Range]]]) -> Sequence[ScopeDigest]:
        """Digests of ranges of ids, of one moment, in the order of `asked`. Deleted rows count."""
        async with self._connection() as connection:
            return await digests.digest(connection, asked)

    async def list_versions(self, scope: Scope, ranges: Sequence[Range]) -> Sequence[RowVersion]:
        """Every row of these ranges, which do not overlap, in no order; deleted ones too."""
        async with self._connection() as connection:
            return await digests.list_versions(connection, scope, ranges)

    async def version_news(self, scope: Scope, since: str | None) -> VersionNews | None:
        """Counts of the rows stamped after `since`; None for a version that is not known here."""
        async with self._connection() as connection:
            return await version_status.version_news(connection, scope, since)

    async def read_table(self, query: Query, *, counted: bool) -> Page:
        """The rows of one table that are asked for, and their number in all if `counted`."""
        async with self._connection() as connection:
            return await rest.read_table(connection, query, counted=counted)

    async def package_scopes(self, package_id: str) -> Sequence[Scope] | None:
        """The versions in the latest package built under this id; None if none was."""
        async with self._connection() as connection:
            row = await connection.fetchrow(
                "SELECT text_version_id::text, audio_version_id::text FROM package_generations"
                " WHERE package_id = $1 ORDER BY generated_at DESC LIMIT 1",
                package_id,
            )
        if row is None:
            return None
        named = zip((ScopeKind.TEXT, ScopeKind.AUDIO), row.values(), strict=True)
        return [Scope(kind, version_id) for kind, version_id in named if version_id is not None]

    async def write(self, work: Callable[[RecordTransaction], Awaitable[T]]) -> T:
        """Runs `work` in one write transaction and commits it durably before returning.

        It is run again where it met another writer. Raises TryLater if that happens every time.
        """
        for attempt in range(ATTEMPTS):
            # Whoever waited for the rows that were let go has to come to them first.
            await asyncio.sleep(attempt * random.uniform(0, _PAUSE_S))
            try:
                async with self._writing, self._connection() as sql, sql.transaction():
                    await sql.execute("SELECT set_config('hotspot.change_source', 'sync', true)")
                    return await work(PostgresTransaction(sql))
            except (Raced, *RACED):
                continue
        raise TryLater("Others are changing the same records; try again later.", _CROWDED_S)

    async def ping(self) -> None:
        """Reads something; raises TryLater where the database does not answer."""
        async with self._connection() as connection:
            await connection.fetchval("SELECT 1")

    async def device_by_token(self, token_hash: str) -> Device | None:
        """The device that this token belongs to, unless it was revoked."""
        async with self._connection() as connection:
            return await devices.device_by_token(connection, token_hash)

    async def claim_pairing(
        self, code_hash: str, device_id: str, name: str, token_hash: str, now: str
    ) -> Device | None:
        """Uses up an unexpired pairing code for a new device; None if the code is not valid."""
        device = Device(id=device_id, name=name, role="editor")
        async with self._connection() as connection:
            return await devices.claim_pairing(connection, code_hash, device, token_hash, now)
