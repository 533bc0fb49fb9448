"""The embedded server: shared, taken over, and durable."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from hotspot.errors import StoreDamaged, TryLater
from hotspot.upstream.embedded import embedded
from hotspot.upstream.postmaster import Postmaster, Running, processes_in, read_pid_file
from hotspot.upstream.store import PostgresStore
from tests.support.requirements import needs
from tests.support.servers import folder_for_server, migrate_database

HOLD = """
import asyncio, sys
from pathlib import Path
from hotspot.upstream.embedded import embedded
async def main():
    async with embedded(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""
WRITE = """
import asyncio, sys
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import accepted, verse
async def main():
    async with PostgresStore.open(sys.argv[1]) as store:
        for number in range(100_000):
            await store.write(lambda tx: tx.accept([accepted(verse(number))]))
            print(number, flush=True)
asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    needs("postgres")
    with folder_for_server() as folder:
        yield folder


async def run_python(code: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def running_in(folder: Path) -> Running:
    running = await asyncio.to_thread(read_pid_file, folder / "postgres")
    assert running is not None
    return running


async def nothing_runs_in(folder: Path) -> bool:
    return not await asyncio.to_thread(processes_in, folder / "postgres")


async def test_settings_make_commits_durable(folder: Path) -> None:
    async with embedded(folder) as url:
        sql = await asyncpg.connect(url)
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await sql.fetchval(f"SHOW {name}") == "on"
        assert await sql.fetchval("SHOW listen_addresses") == ""
        await sql.close()


async def test_the_server_stops_with_the_last_who_uses_it(folder: Path) -> None:
    async with embedded(folder) as url:
        async with embedded(folder) as again:
            assert again == url
        sql = await asyncpg.connect(url)
        await sql.close()
        other = await run_python(HOLD, str(folder))
        assert await line_of(other) == url
    sql = await asyncpg.connect(url)
    await sql.close()
    await other.communicate(b"\n")
    assert await nothing_runs_in(folder)


async def test_the_server_of_a_killed_process_is_taken_over_and_stopped(folder: Path) -> None:
    holder = await run_python(HOLD, str(folder))
    url = await line_of(holder)
    holder.kill()
    await holder.wait()
    left = await running_in(folder)
    async with embedded(folder) as again:
        assert again == url
        assert await running_in(folder) == left
    assert await nothing_runs_in(folder)


async def test_a_pid_file_of_before_a_power_cut_does_not_stop_the_server(folder: Path) -> None:
    """Its process id is somebody else's now: here it is our own."""
    async with embedded(folder):
        lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (folder / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    async with embedded(folder) as url:
        sql = await asyncpg.connect(url)
        await sql.close()


async def test_a_cluster_that_was_half_made_is_made_again(folder: Path) -> None:
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    async with embedded(folder) as url:
        sql = await asyncpg.connect(url)
        await sql.close()


async def test_a_path_too_long_for_a_socket_works(folder: Path) -> None:
    deep = folder.joinpath(*["a-rather-long-name-of-a-folder"] * 4)
    async with embedded(deep) as url:
        sql = await asyncpg.connect(url)
        await sql.close()
        running = await running_in(deep)
        assert running.sockets.stat().st_mode & 0o077 == 0
    assert not running.sockets.exists()


async def test_a_cancelled_start_leaves_no_server(folder: Path) -> None:
    async def use() -> None:
        async with embedded(folder):
            raise AssertionError("it was cancelled before")

    starting = asyncio.create_task(use())
    async with asyncio.timeout(60):
        while not (folder / "postgres.new").exists():
            await asyncio.sleep(0.005)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await nothing_runs_in(folder)


async def test_a_cluster_that_cannot_start_says_where_to_look(folder: Path) -> None:
    async with embedded(folder):
        pass
    (folder / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(StoreDamaged, match=r"postgres\.log"):
        async with embedded(folder):
            raise AssertionError("it must not start")


async def test_acknowledged_writes_survive_a_kill_of_the_server(folder: Path) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(embedded(folder))
        await migrate_database(url)
        writer = await run_python(WRITE, url)
        acknowledged = [int(await line_of(writer)) for _ in range(50)]
        os.kill((await running_in(folder)).pid, signal.SIGKILL)
        output, _ = await writer.communicate()
        acknowledged += [int(line) for line in output.decode().split()]
    async with embedded(folder) as url:
        sql = await asyncpg.connect(url)
        rows = await sql.fetch("SELECT verse_id FROM verse_texts")
        logged = await sql.fetchval("SELECT count(DISTINCT record_id) FROM change_log")
        await sql.close()
    held = {int(row["verse_id"].removeprefix("gen-1-")) for row in rows}
    assert set(acknowledged) <= held
    assert len(held) - len(acknowledged) <= 1
    assert logged == len(held)


async def test_the_store_says_try_later_and_goes_on_when_the_server_is_back(folder: Path) -> None:
    async with embedded(folder) as url:
        await migrate_database(url)
        async with PostgresStore.open(url) as store:
            await store.ping()
            await asyncio.to_thread(lambda: Postmaster(folder).stop())
            with pytest.raises(TryLater):
                await store.ping()
            await asyncio.to_thread(lambda: Postmaster(folder).start())
            await store.ping()
