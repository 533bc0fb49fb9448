"""Connections to PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from hotspot.errors import ConfigError, StoreDamaged, TryLater

NAMED = {"application_name": "hotspot upstream", "timezone": "UTC"}
"""What a pooler keeps for each of its clients."""
STATEMENT_S = 60
SESSION = {
    **NAMED,
    "synchronous_commit": "on",
    # Feeds show nothing that is newer than the oldest open transaction.
    "idle_in_transaction_session_timeout": "30s",
}
POOL_SIZE = 10
CONNECT_S = 10.0
AWAY_S = 5.0
"""For how long clients are asked to wait: a database that is started again takes as long."""

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
            reset=_as_it_left,
            **await _manners(url),
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
        manners = await _manners(url, statement_s=0)
        connection = await asyncpg.connect(url, timeout=CONNECT_S, **manners)
    try:
        yield connection
    finally:
        await connection.close()


async def _as_it_left(_connection: asyncpg.Connection) -> None:
    """A connection comes back to its pool: nothing here outlives a transaction.

    The statements that asyncpg would send to be sure take as long as the question did.
    """


async def _manners(url: str, statement_s: int = STATEMENT_S) -> dict[str, Any]:
    """How connections to `url` are to behave. `statement_s`: how long a statement may take; 0: any.

    A pooler in transaction mode, such as PgBouncer, gives every transaction another server process:
    statements cannot be prepared ahead, and settings of a session are refused or go to somebody
    else. There the role's settings count, and statements are given up from here.
    """
    connection = await asyncpg.connect(
        url, timeout=CONNECT_S, statement_cache_size=0, server_settings=NAMED
    )
    try:
        # A pooler makes up the process that it tells its clients of.
        process = await connection.fetchval("SELECT pg_backend_pid()")
        pooled = connection.get_server_pid() != process
    finally:
        await connection.close()
    if pooled:
        return {
            "statement_cache_size": 0,
            "command_timeout": statement_s or None,
            "server_settings": NAMED,
        }
    return {"server_settings": {**SESSION, "statement_timeout": f"{statement_s}s"}}


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
    return TryLater("The database does not answer now; try again later.", AWAY_S)
