"""Connections to PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from hotspot.errors import ConfigError, StoreDamaged, TryLater

SESSION = {
    "application_name": "hotspot upstream",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "statement_timeout": "60s",
    # Feeds show nothing that is newer than the oldest open transaction.
    "idle_in_transaction_session_timeout": "30s",
}
POOL_SIZE = 10
CONNECT_S = 10.0

RACED = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
)
"""What a transaction meets that met another one: it may be run again."""

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)


@asynccontextmanager
async def open_pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections for a server. Raises what `connect` raises."""
    with _connecting():
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=POOL_SIZE,
            timeout=CONNECT_S,
            server_settings=SESSION,
        )
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection for a command that may take long.

    Raises TryLater where the database does not answer, StoreDamaged where it refuses us, and
    ConfigError where the URL is none.
    """
    with _connecting():
        connection = await asyncpg.connect(
            url, timeout=CONNECT_S, server_settings={**SESSION, "statement_timeout": "0"}
        )
    try:
        yield connection
    finally:
        await connection.close()


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except asyncpg.exceptions.ClientConfigurationError:
        raise ConfigError(["HOTSPOT_DATABASE_URL is not the URL of a database."]) from None
    except _AWAY as error:
        raise _try_later() from error
    except asyncpg.PostgresError as error:
        raise StoreDamaged(f"The database refuses the connection: {error}.") from None


@contextmanager
def away_is_try_later() -> Iterator[None]:
    """Raises TryLater where the database is not reachable, shutting down, or out of room."""
    try:
        yield
    except _AWAY as error:
        raise _try_later() from error


def _try_later() -> TryLater:
    return TryLater("The database does not answer now; try again later.")
