"""What a running hotspot and a running server take of memory while very much is synced."""

from pathlib import Path

import asyncpg
from common import Server, forget_peak, load, memory_of, upstream
from hub import SCOPE, make_packages, opened, text
from running import Hotspot

from hotspot.upstream.embedded import embedded

GOAL_MB = 80


async def print_memory(work: Path, records: int) -> None:
    """Prints the peaks while a hotspot sends so many edits, and while it fetches as many."""
    make_packages(work / "heavy", [records])
    with upstream(work / "heavy-up") as server:
        load(server, work / "heavy")
        hotspot = Hotspot(work / "heavy-hotspot", server)
        async with opened(hotspot.data, work / "heavy", server) as hub:
            await hub.session()
            await hub.edit_all("heavy", records)
        with hotspot.running() as pid:
            await _push(hotspot)
            told = _peaks(pid, server)
            print(f"memory, {records:,} records up:   {told}, the goal is {GOAL_MB} MB")
            forget_peak(pid)
            async with embedded(work / "heavy-up") as database_url:
                await _change_all(database_url)
                fetched = (await hotspot.control("sync"))["downloaded"]
            if fetched != records:
                raise SystemExit(f"{fetched} records came down, and not {records}.")
            print(f"memory, {records:,} records down: {_peaks(pid, server)}")


def _peaks(pid: int, server: Server) -> str:
    ours, theirs = memory_of(pid).peak, memory_of(server.pid).peak
    return f"hotspot {ours:.0f} MB at most, server's process {theirs:.0f} MB"


async def _push(hotspot: Hotspot) -> None:
    """Sends all edits to the server."""
    await hotspot.control("sync")
    pending = (await hotspot.control("status"))["sync"]["pending"]
    if pending:
        raise SystemExit(f"{pending} records did not go up.")


async def _change_all(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    sql = "UPDATE verse_texts SET verse_text = $1 WHERE text_version_id = $2"
    await connection.execute(sql, text("server"), SCOPE.id)
    await connection.close()
