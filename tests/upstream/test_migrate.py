"""The schema is brought up to date once, whoever tries and how often."""

import asyncio
import sys

import asyncpg
import pytest

from hotspot.errors import StoreDamaged
from hotspot.upstream.migrate import migrate, migrations
from tests.support.postgres import new_database
from tests.support.requirements import needs

KNOWN = migrations()
MIGRATE = """
import asyncio, sys, asyncpg
from hotspot.upstream.migrate import migrate, migrations
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    print(await migrate(connection, migrations()))
asyncio.run(main())
"""


async def start(url: str) -> asyncio.subprocess.Process:
    """A process that is connected, and migrates when it is told to."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATE, url, stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_two_processes_at_once_migrate_once() -> None:
    needs("postgres")
    async with new_database(migrated=False) as url:
        processes = [await start(url) for _ in range(2)]
        outputs = await asyncio.gather(*(process.communicate(b"\n") for process in processes))
        assert sorted(int(output) for output, _ in outputs) == [0, len(KNOWN)]
        assert [process.returncode for process in processes] == [0, 0]


async def test_a_migration_that_fails_leaves_nothing_and_can_be_tried_again() -> None:
    needs("postgres")
    known = [(1, "one", "CREATE TABLE one ()"), (2, "two", "CREATE TABLE two (); SELECT 1 / 0")]
    async with new_database(migrated=False) as url:
        sql = await asyncpg.connect(url)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(sql, known)
        assert await sql.fetchval("SELECT to_regclass('one')") is None
        assert await migrate(sql, known[:1]) == 1
        assert await migrate(sql, known[:1]) == 0
        await sql.close()


async def test_an_older_release_does_not_touch_a_newer_schema(sql: asyncpg.Connection) -> None:
    with pytest.raises(StoreDamaged, match="newer release"):
        await migrate(sql, KNOWN[:-1])


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = [number for number, _, _ in KNOWN]
    assert numbers == list(range(1, len(numbers) + 1))
