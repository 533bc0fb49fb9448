"""A migrated database of its own for each test, on the session's embedded PostgreSQL."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from hotspot.upstream.store import PostgresStore
from tests.support.postgres import new_database
from tests.support.requirements import needs


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """The URL of the database."""
    needs("postgres")
    async with new_database() as url:
        yield url


@pytest.fixture
async def sql(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for plain SQL, as an operator has it."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    """The store over the database."""
    async with PostgresStore.open(url) as store:
        yield store
