"""Through PgBouncer in transaction mode, where each transaction may be another server process.

The contract suite runs through it too, among the slow tests.
"""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from hotspot.model.records import Record
from hotspot.model.stores import RecordTransaction
from hotspot.upstream.database import open_pool
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import TEXT, accepted, drain, verse, version_row
from tests.support.pooler import pgbouncer, pooled_url
from tests.support.requirements import needs

WRITERS, BATCHES, VERSES = 8, 6, 5


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """That of a pooler."""
    needs("postgres")
    needs("pgbouncer")
    with pgbouncer() as port:
        yield port


async def test_many_at_once_read_and_write_whichever_process_they_get(port: int, url: str) -> None:
    pooled = pooled_url(port, urlsplit(url).path)
    async with PostgresStore.open(pooled) as store, PostgresStore.open(pooled) as other:
        await store.write(lambda tx: tx.accept([accepted(version_row(TEXT))]))

        async def write(writer: int) -> None:
            at = other if writer % 2 else store
            for batch in range(BATCHES):
                start = (writer * BATCHES + batch) * VERSES
                rows = [verse(start + n) for n in range(VERSES)]

                async def work(tx: RecordTransaction, rows: list[Record] = rows) -> None:
                    assert await tx.known_scopes([TEXT]) == {TEXT}
                    await tx.current([row.key for row in rows])
                    await tx.accept([accepted(row) for row in rows])

                await at.write(work)
                await drain(at, TEXT)

        await asyncio.gather(*map(write, range(WRITERS)))
        found, _ = await drain(store, TEXT)
    assert len(found) == 1 + WRITERS * BATCHES * VERSES


async def test_statements_are_prepared_ahead_only_without_a_pooler(port: int, url: str) -> None:
    """A prepared statement has a name at the server for as long as the session lasts."""
    prepared = "SELECT count(*) FROM pg_prepared_statements"
    async with open_pool(url) as pool, pool.acquire() as direct:
        assert await direct.fetchval(prepared) == 1
        assert await direct.fetchval("SHOW statement_timeout") == "1min"
    async with open_pool(pooled_url(port, urlsplit(url).path)) as pool, pool.acquire() as through:
        assert await through.fetchval(prepared) == 0
