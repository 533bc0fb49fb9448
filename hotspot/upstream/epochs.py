"""The epoch that feed positions belong to: a new one when the database is not the same any more."""

from secrets import token_hex

import asyncpg

_SYSTEM = "SELECT system_identifier FROM pg_control_system()"
_IDENTITY = """
SELECT
  CASE WHEN pg_is_in_recovery() THEN NULL
  ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
  oid::bigint AS database_oid
FROM pg_database WHERE datname = current_database()
"""
_RENEW = """
INSERT INTO sync_epoch (epoch, system_identifier, timeline, database_oid)
VALUES ($1, $2, $3, $4)
ON CONFLICT (only_row) DO UPDATE SET
  epoch = excluded.epoch, system_identifier = excluded.system_identifier,
  timeline = excluded.timeline, database_oid = excluded.database_oid, began_at = now()
"""


async def bind(connection: asyncpg.Connection) -> str:
    """The epoch of this database; a new one if it was restored, promoted or copied since."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE sync_epoch IN EXCLUSIVE MODE")
        row = await connection.fetchrow("SELECT * FROM sync_epoch")
        here = await _identity(connection)
        if row is not None and _same(tuple(row[name] for name in _PARTS), here):
            return str(row["epoch"])
        return await _begin(connection, here)


async def renew(connection: asyncpg.Connection) -> str:
    """Begins a new epoch: every client starts over, without losing what it has pending."""
    async with connection.transaction():
        return await _begin(connection, await _identity(connection))


_PARTS = ("system_identifier", "timeline", "database_oid")
_Identity = tuple[int | str | None, ...]


async def _begin(connection: asyncpg.Connection, here: _Identity) -> str:
    epoch = token_hex(6)
    await connection.execute(_RENEW, epoch, *here)
    return epoch


async def _identity(connection: asyncpg.Connection) -> _Identity:
    """The cluster, its timeline and the database's number, as far as this role may know them."""
    try:
        async with connection.transaction():
            system = await connection.fetchval(_SYSTEM)
    except asyncpg.InsufficientPrivilegeError:
        system = None
    row = await connection.fetchrow(_IDENTITY)
    assert row is not None
    return (system, row["timeline"], row["database_oid"])


def _same(one: _Identity, other: _Identity) -> bool:
    """Whether all that both know is equal."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
