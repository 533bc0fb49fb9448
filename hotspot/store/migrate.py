"""Numbered migrations: each is applied once, in a transaction of its own."""

from importlib.resources import files

import aiosqlite

from hotspot.errors import StoreDamaged
from hotspot.store.rows import fetch

_REGISTER = """
CREATE TABLE IF NOT EXISTS migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL
)
"""


def scripts() -> list[tuple[int, str, str]]:
    """Number, name and SQL of every migration, in order."""
    found = []
    for file in (files("hotspot.store") / "schema").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append((int(number), name, file.read_text(encoding="utf-8")))
    return sorted(found)


async def migrate(
    connection: aiosqlite.Connection, migrations: list[tuple[int, str, str]], now: str
) -> None:
    """Applies the migrations that this database lacks.

    Raises StoreDamaged for a database that a newer version of this program has written.
    """
    await connection.execute(_REGISTER)
    applied = {row[0] for row in await fetch(connection, "SELECT number FROM migrations")}
    if applied - {number for number, _, _ in migrations}:
        raise StoreDamaged(
            "The database was written by a newer version of this program: install that version."
        )
    for number, name, sql in migrations:
        if number not in applied:
            await _apply(connection, number, name, sql, now)


async def _apply(
    connection: aiosqlite.Connection, number: int, name: str, sql: str, now: str
) -> None:
    register = f"INSERT INTO migrations VALUES ({number}, '{name}', '{now}');"
    try:
        await connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\n{register}\nCOMMIT;")
    except BaseException:
        if connection.in_transaction:
            await connection.rollback()
        raise
