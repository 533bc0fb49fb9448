"""Brings a database's schema up to date: numbered files, each applied once."""

from importlib.resources import files

from asyncpg import Connection, PostgresError

from hotspot.errors import StoreDamaged
from hotspot.upstream import adopting

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


async def migrate(connection: Connection, known: list[adopting.Migration]) -> int:
    """Applies what is missing of `known` in one transaction; how many that were.

    Tables of other makers that are there already stay, with their rows; see `adopting`. Whatever
    cuts it off leaves nothing of it. Raises StoreDamaged where a newer release has changed the
    schema already, or a table that is there cannot be made to fit.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_LEDGER)
        done = await connection.fetchval("SELECT coalesce(max(number), 0) FROM schema_migrations")
        if done > known[-1][0]:
            raise StoreDamaged("The database was changed by a newer release; install that one.")
        missing = [one for one in known if one[0] > done]
        adopted = [] if done else await _adopted(connection, known)
        await _apply(connection, missing, adopted)
    return len(missing)


async def _adopted(connection: Connection, known: list[adopting.Migration]) -> list[str]:
    try:
        async with connection.transaction():
            return await adopting.adopt(connection, known)
    except PostgresError as error:
        raise StoreDamaged(
            f"The tables in this database cannot be taken over, and stay as they are: {error}."
        ) from error


async def _apply(
    connection: Connection, missing: list[adopting.Migration], adopted: list[str]
) -> None:
    for number, name, statements in missing:
        await connection.execute(adopting.bearing(statements) if adopted else statements)
        await connection.execute(
            "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)", number, name
        )
        if adopted and number == adopting.HASHING:
            await adopting.hash_rows(connection, adopted)
    if adopted:
        await adopting.tell(connection, adopted)
