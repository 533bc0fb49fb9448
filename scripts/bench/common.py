"""What the benchmarks share: settings that are not weakened, memory, a server to sync with."""

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiosqlite
import asyncpg

sys.path.append(str(Path(__file__).parents[1] / "demo"))

from processes import Program, ask, free_port, until

from hotspot.store.database import Database

__all__ = ["Program", "ask", "free_port", "until"]

SQLITE = ("journal_mode", "synchronous", "foreign_keys", "cache_size", "journal_size_limit")
POSTGRES = ("fsync", "synchronous_commit", "full_page_writes")
_SYNCHRONOUS_FULL = 2
UNIT = Path(__file__).parents[2] / "systemd" / "hotspot.service"


async def sqlite_settings(database: Database) -> dict[str, str | int]:
    """The settings of the running writer's connection."""

    async def read(connection: aiosqlite.Connection) -> dict[str, str | int]:
        found = {}
        for name in SQLITE:
            async with connection.execute(f"PRAGMA {name}") as cursor:
                found[name] = (await cursor.fetchall())[0][0]
        return found

    return await database.writer.run(read)


def bare_sqlite(path: Path, settings: Mapping[str, str | int]) -> sqlite3.Connection:
    """A connection of the standard library to the database `path` with these settings.

    Ends the program where one of them did not take.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    for name, value in settings.items():
        connection.execute(f"PRAGMA {name} = {value}")
    taken = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in settings}
    if taken != settings:
        raise SystemExit(f"The settings {settings} did not take: {taken}.")
    return connection


def require_durable_sqlite(settings: Mapping[str, str | int]) -> None:
    """Prints the settings; ends the program where a power cut could undo a commit."""
    print("SQLite", sqlite3.sqlite_version, json.dumps(settings), "(synchronous 2 is FULL)")
    if settings["journal_mode"] != "wal" or settings["synchronous"] != _SYNCHRONOUS_FULL:
        raise SystemExit("SQLite's durability is weakened; nothing is measured.")


async def require_durable_postgres(url: str) -> None:
    """Prints the server's settings; ends the program where a power cut could undo a commit."""
    connection = await asyncpg.connect(url)
    try:
        shown = {name: await connection.fetchval(f"SHOW {name}") for name in POSTGRES}
        version = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    print("PostgreSQL", version, json.dumps(shown))
    if set(shown.values()) != {"on"}:
        raise SystemExit("PostgreSQL's durability is weakened; nothing is measured.")


def unit_environment() -> dict[str, str]:
    """The variables that the systemd unit sets."""
    lines = UNIT.read_text().splitlines()
    given = [line.removeprefix("Environment=") for line in lines if line.startswith("Environment=")]
    return dict(one.split("=", 1) for one in given)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process takes, in MB. `pss`: shared pages by share. `peak`: the highest `rss`."""

    rss: float
    pss: float
    peak: float

    def __str__(self) -> str:
        return f"RSS {self.rss:.1f} MB, PSS {self.pss:.1f} MB"


def memory_of(pid: int) -> Memory:
    """What the process takes now; `peak` is since its start, or since `forget_peak`."""
    process = Path("/proc") / str(pid)
    rollup = _kilobytes((process / "smaps_rollup").read_text())
    status = _kilobytes((process / "status").read_text())
    return Memory(*(kb * 1024 / 1e6 for kb in (rollup["Rss"], rollup["Pss"], status["VmHWM"])))


def forget_peak(pid: int) -> None:
    """Begins to count the process's peak anew."""
    (Path("/proc") / str(pid) / "clear_refs").write_text("5")


def _kilobytes(text: str) -> dict[str, int]:
    lines = [line.split() for line in text.splitlines()]
    return {line[0].rstrip(":"): int(line[1]) for line in lines if line[-1:] == ["kB"]}


@dataclass(frozen=True, slots=True)
class Server:
    """A running `hotspot upstream run`, and the token of a hotspot that may sync with it."""

    program: Program
    url: str
    token: str

    @property
    def pid(self) -> int:
        assert self.program.process is not None
        return self.program.process.pid


@contextmanager
def upstream(folder: Path) -> Iterator[Server]:
    """A server on an embedded PostgreSQL in `folder`, running until the block ends."""
    port = free_port()
    folder.mkdir()
    program = Program(
        *("upstream", "run"),
        settings={"HOTSPOT_DATA_DIR": str(folder), "HOTSPOT_UPSTREAM_PORT": str(port)},
        log=folder / "log",
    )
    program.start()
    try:
        url = f"http://127.0.0.1:{port}"
        program.wait_for(url + "/healthz")
        device = ask(program, "upstream", "add-device", "--name", "Bench")
        yield Server(program, url, device["token"])
    finally:
        program.stop()


def load(server: Server, packages: Path) -> None:
    """Brings a folder of packages to the server, as an operator does."""
    ask(server.program, "upstream", "import", *map(str, sorted(packages.iterdir())))
