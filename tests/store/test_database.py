"""Opening: made once, migrated in steps, refused where it cannot be used."""

import asyncio
import sqlite3
from pathlib import Path

import aiosqlite
import pytest

from hotspot.clock import Clock
from hotspot.errors import StoreDamaged
from hotspot.store.database import READERS
from hotspot.store.migrate import migrate, scripts
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    T0,
    T1,
    TEXT,
    accept,
    accepted,
    drain,
    read,
    verse,
    version_row,
)
from tests.store.support import bring, change, package, query, staging


async def test_what_was_written_is_there_after_reopening(path: Path, clock: Clock) -> None:
    async with HotspotStore.open(path, clock) as store:
        await bring(store, version_row(TEXT))
        await accept(store, accepted(verse(1)))
        before, token = await drain(store, TEXT)
    async with HotspotStore.open(path, clock) as store:
        assert (await drain(store, TEXT))[0] == before
        assert (await read(store, (TEXT, token))).records == []


async def test_two_databases_have_two_epochs(tmp_path: Path, clock: Clock) -> None:
    for name in ("one", "two"):
        async with HotspotStore.open(tmp_path / name, clock):
            pass
    epochs = [
        query(tmp_path / name, "SELECT value FROM meta WHERE key = 'epoch'")
        for name in ("one", "two")
    ]
    assert epochs[0] != epochs[1]


async def test_migrations_are_applied_once_and_named(path: Path, store: HotspotStore) -> None:
    applied = query(path, "SELECT number, name FROM migrations ORDER BY number")
    known = await asyncio.to_thread(scripts)
    assert applied == [(number, name) for number, name, _ in known]


async def test_a_failing_migration_leaves_nothing(tmp_path: Path) -> None:
    good = (1, "good", "CREATE TABLE good (id);")
    bad = (2, "bad", "CREATE TABLE half (id); INSERT INTO nowhere VALUES (1);")
    async with aiosqlite.connect(tmp_path / "db", isolation_level=None) as connection:
        with pytest.raises(sqlite3.OperationalError):
            await migrate(connection, [good, bad], T0)
        await migrate(connection, [good, (2, "better", "CREATE TABLE half (id);")], T0)
    assert query(tmp_path / "db", "SELECT name FROM migrations") == [("good",), ("better",)]


async def test_a_database_of_a_newer_version_is_left_alone(path: Path, clock: Clock) -> None:
    async with HotspotStore.open(path, clock):
        pass
    change(path, "INSERT INTO migrations VALUES (9999, 'future', '')")
    with pytest.raises(StoreDamaged, match="newer version"):
        async with HotspotStore.open(path, clock):
            pass


async def test_a_session_that_was_cut_is_settled_at_the_next_start(
    path: Path, clock: Clock, tmp_path: Path
) -> None:
    async with HotspotStore.open(path, clock) as store:
        await store.publish(package(), staging(tmp_path / "s", [version_row(TEXT)]), T0)
    change(
        path,
        "INSERT INTO sync_log (package_id, sync_type, started_at, status) VALUES (?, ?, ?, ?)",
        *("eng-kjv", "incremental", T1, "running"),
    )
    async with HotspotStore.open(path, clock):
        pass
    assert query(path, "SELECT status FROM sync_log") == [("failed",)]


async def test_readers_that_are_cancelled_give_their_connections_back(store: HotspotStore) -> None:
    await bring(store, version_row(TEXT))

    async def read_for_ever(reading: asyncio.Event) -> None:
        async with store._database.snapshot() as connection:
            reading.set()
            while True:
                await connection.execute_fetchall("SELECT count(*) FROM text_versions")

    for _ in range(2 * READERS):
        reading = asyncio.Event()
        task = asyncio.create_task(read_for_ever(reading))
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(10):
        assert len((await drain(store, TEXT))[0]) == 1
