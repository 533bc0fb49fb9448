"""The writer: what waits is committed together, and what fails, fails alone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiosqlite
import pytest

from hotspot.errors import NoSpace, TryLater
from hotspot.store.writer import LONG_S, Work, Writer
from tests.store.support import change, query


@dataclass
class Bench:
    """A writer on a table `t` of its own, and the commits that it makes."""

    path: Path
    connection: aiosqlite.Connection
    writer: Writer
    statements: list[str] = field(default_factory=list)

    @property
    def commits(self) -> int:
        return self.statements.count("COMMIT")

    def rows(self) -> list[int]:
        """What another program sees."""
        return [row[0] for row in query(self.path, "SELECT n FROM t ORDER BY n")]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    path = tmp_path / "db"
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        await connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filling BLOB)")
        bench = Bench(path, connection, Writer(connection))
        await connection.set_trace_callback(bench.statements.append)
        await bench.writer.start()
        yield bench
        await bench.writer.stop()


def insert(n: int, size: int = 0) -> Work[int]:
    async def work(connection: aiosqlite.Connection) -> int:
        await connection.execute("INSERT INTO t VALUES (?, zeroblob(?))", (n, size))
        return n

    return work


class Gate:
    """A work that goes on when it is told to."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO t VALUES (1000, NULL)")
        self.begun.set()
        await self.open.wait()


async def test_works_that_wait_are_committed_together(bench: Bench) -> None:
    gate = Gate()
    first = asyncio.create_task(bench.writer.run(gate))
    await gate.begun.wait()
    waiting = [asyncio.create_task(bench.writer.run(insert(n))) for n in range(10)]
    await asyncio.sleep(0)
    gate.open.set()
    assert await asyncio.gather(*waiting) == list(range(10))
    await first
    assert bench.commits == 2
    assert bench.rows() == [*range(10), 1000]


async def test_what_took_long_is_committed_before_what_waits_behind_it(bench: Bench) -> None:
    async def long(connection: aiosqlite.Connection) -> int:
        await asyncio.sleep(LONG_S * 1.1)
        return await insert(1)(connection)

    told: list[tuple[int, int]] = []
    waiting = [
        bench.writer.run(work, committed=lambda n: told.append((n, bench.commits)))
        for work in (long, insert(2), insert(3))
    ]
    assert await asyncio.gather(*waiting) == [1, 2, 3]
    assert told == [(1, 1), (2, 2), (3, 2)]


async def test_nobody_is_told_before_the_commit(bench: Bench) -> None:
    async def one(n: int) -> bool:
        await bench.writer.run(insert(n))
        return n in bench.rows()

    assert all(await asyncio.gather(*map(one, range(20))))


async def test_a_failing_work_undoes_only_itself(bench: Bench) -> None:
    async def fail(connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO t VALUES (500, NULL)")
        raise ValueError("mine")

    gate = Gate()
    first = asyncio.create_task(bench.writer.run(gate))
    await gate.begun.wait()
    works = [asyncio.create_task(bench.writer.run(w)) for w in (insert(1), fail, insert(2))]
    await asyncio.sleep(0)
    gate.open.set()
    good, bad, other = await asyncio.gather(*works, return_exceptions=True)
    await first
    assert (good, other) == (1, 2)
    assert isinstance(bad, ValueError)
    assert bench.commits == 2
    assert bench.rows() == [1, 2, 1000]


async def test_who_gives_up_while_waiting_writes_nothing(bench: Bench) -> None:
    gate = Gate()
    first = asyncio.create_task(bench.writer.run(gate))
    await gate.begun.wait()
    waiting = asyncio.create_task(bench.writer.run(insert(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    gate.open.set()
    await first
    await bench.writer.run(insert(2))
    assert bench.rows() == [2, 1000]


async def test_a_work_that_began_is_finished_though_its_caller_is_gone(bench: Bench) -> None:
    gate, told = Gate(), asyncio.Event()
    caller = asyncio.create_task(bench.writer.run(gate, committed=lambda _: told.set()))
    await gate.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    gate.open.set()
    async with asyncio.timeout(10):
        await told.wait()
    assert bench.rows() == [1000]


async def test_a_listener_that_fails_harms_nobody(bench: Bench) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("listener")

    assert await bench.writer.run(insert(1), committed=fail) == 1
    assert await bench.writer.run(insert(2)) == 2


async def test_where_the_transaction_is_lost_the_whole_group_is_told(bench: Bench) -> None:
    async def lose(connection: aiosqlite.Connection) -> None:
        await connection.rollback()
        raise ValueError("gone")

    gate = Gate()
    first = asyncio.create_task(bench.writer.run(gate))
    await gate.begun.wait()
    works = [asyncio.create_task(bench.writer.run(w)) for w in (insert(1), lose, insert(2))]
    await asyncio.sleep(0)
    gate.open.set()
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    await first
    assert all(isinstance(one, ValueError) for one in outcomes)
    await bench.writer.run(insert(3))
    assert bench.rows() == [3, 1000]


async def test_a_full_card_is_said_so_and_leaves_what_was_there(bench: Bench) -> None:
    await bench.writer.run(insert(1))
    await bench.connection.execute_fetchall("PRAGMA max_page_count = 20")
    with pytest.raises(NoSpace):
        await bench.writer.run(insert(2, size=1_000_000))
    await bench.connection.execute_fetchall("PRAGMA max_page_count = 1000000")
    await bench.writer.run(insert(3, size=1_000_000))
    assert bench.rows() == [1, 3]


async def test_an_attached_database_is_read_and_not_written(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "a source?.db"
    change(source, "CREATE TABLE given AS SELECT 7 AS n")

    async def copy(connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO t (n) SELECT n FROM staging.given")

    async def spoil(connection: aiosqlite.Connection) -> None:
        await connection.execute("DELETE FROM staging.given")

    works = (
        bench.writer.run(insert(1)),
        bench.writer.run(copy, attach=source),
        bench.writer.run(spoil, attach=source),
        bench.writer.run(insert(2)),
    )
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert [isinstance(one, Exception) for one in outcomes] == [False, False, True, False]
    assert bench.rows() == [1, 2, 7]
    assert query(source, "SELECT n FROM given") == [(7,)]


async def test_stopping_commits_what_waits_and_takes_no_more(bench: Bench) -> None:
    works = [asyncio.create_task(bench.writer.run(insert(n))) for n in range(200)]
    await asyncio.sleep(0)
    await bench.writer.stop()
    assert await asyncio.gather(*works) == list(range(200))
    with pytest.raises(TryLater):
        await bench.writer.run(insert(999))
