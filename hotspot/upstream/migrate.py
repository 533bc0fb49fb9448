"""Brings a database's schema up to date: numbered files, each applied once."""

from importlib.resources import files

from asyncpg import Connection

from hotspot.errors import StoreDamaged

_LOCK = 0x686F7473706F74  # "hotspot": one migrates at a time, whatever the process or the machine
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  number integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""


def migrations() -> list[tuple[int, str, str]]:
    """Every migration in order: its number, its name, its SQL. Reads files."""
    folder = files("hotspot.upstream") / "schema"
    found = [
        (int(entry.name[:4]), entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found)


async def migrate(connection: Connection, known: list[tuple[int, str, str]]) -> int:
    """Applies what is missing of `known` in one transaction; how many that were.

    Raises StoreDamaged where a newer release has changed the schema already.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_LEDGER)
        done = await connection.fetchval("SELECT coalesce(max(number), 0) FROM schema_migrations")
        if done > known[-1][0]:
            raise StoreDamaged("The database was changed by a newer release; install that one.")
        missing = [one for one in known if one[0] > done]
        for number, name, statements in missing:
            await connection.execute(statements)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)", number, name
            )
    return len(missing)
