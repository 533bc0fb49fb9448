"""A damaged database: set aside and never deleted, begun anew with every edit that can be read."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hotspot.clock import Clock
from hotspot.faults import VARIABLE
from hotspot.model import instants
from hotspot.store import doubt
from hotspot.store.damage import damage
from hotspot.store.database import open_database
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    DEVICE,
    T0,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    drain,
    edited,
    verse,
    version_row,
)
from tests.store.support import bring, query

PAGE = 4096
EDITS = 400
TOKEN = "ab" * 32


async def fill(folder: Path, clock: Clock, *, keep_log: bool = False) -> Path:
    """A store with versions, 2,000 verses, EDITS edits of them that wait, a device, a loser.

    `keep_log`: as a power cut leaves it, the edits only in the log beside the database.
    """
    path = folder / "filled.db"
    async with HotspotStore.open(path, clock) as store:
        verses = [verse(n, f"Verse number {n} " + "and it came to pass " * 5) for n in range(2000)]
        await bring(store, version_row(TEXT), version_row(AUDIO), *verses)
        query(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        for begin in range(0, EDITS, 50):
            chosen = verses[begin * 5 : (begin + 50) * 5 : 5]
            await accept(
                store, *(accepted(edited(old, f"Edit of {old.id}", T1), old) for old in chosen)
            )
        await store.add_device(DEVICE, TOKEN)
        if keep_log:
            for suffix in ("", "-wal"):
                shutil.copy(f"{path}{suffix}", folder / f"cut.db{suffix}")
            return folder / "cut.db"
    return path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    return asyncio.run(fill(folder, Clock(instants.to_ms(T2))))


async def edits_in(path: Path, clock: Clock) -> tuple[int, str | None]:
    """How many edits wait in the store, all of them whole, and what it says happened to it."""
    await asyncio.to_thread(doubt.note, path)
    async with HotspotStore.open(path, clock) as store:
        assert not await asyncio.to_thread(doubt.is_noted, path)
        waiting = await store.pending_edits(10_000)
        for one in waiting:
            assert one.record.values["verse_text"] == f"Edit of {one.record.id}"
            assert (one.pending.base_version or T0).startswith(T0)
        told = await store.rebuilt()
        order = [one.record.id for one in waiting]
        assert order == sorted(order) or "may be lost" in (told or "")
        current, _ = await drain(store, TEXT)
        assert {one.record.key for one in waiting} <= {record.key for record in current}
        return len(waiting), told


def header_gone(content: bytearray) -> None:
    content[:100] = bytes(100)


def first_bytes_rotten(content: bytearray) -> None:
    content[16:24] = b"\xff" * 8


def garbage(content: bytearray) -> None:
    content[:] = random.Random(1).randbytes(len(content))


def cut_short(content: bytearray) -> None:
    del content[len(content) // 2 :]


@pytest.mark.parametrize(
    ("harm", "at_least"),
    [(header_gone, EDITS), (first_bytes_rotten, EDITS), (garbage, 0), (cut_short, 0)],
)
async def test_a_damaged_file_is_set_aside_and_its_edits_are_saved(
    filled: Path, path: Path, clock: Clock, harm: Callable[[bytearray], None], at_least: int
) -> None:
    content = bytearray(filled.read_bytes())
    harm(content)
    path.write_bytes(content)
    saved, told = await edits_in(path, clock)
    assert saved >= at_least
    assert told is not None and f"{saved} edits and conflicts were saved" in told
    aside = path.with_name("hotspot.db.damaged-1")
    assert aside.name in told
    assert aside.read_bytes() == bytes(content)
    kept = {one.name.removesuffix("-wal").removesuffix("-shm") for one in path.parent.iterdir()}
    assert kept == {"hotspot.db", aside.name}
    assert await edits_in(path, clock) == (saved, told)


async def test_whatever_page_is_lost_only_what_was_on_it_is(
    filled: Path, tmp_path: Path, clock: Clock
) -> None:
    """An edit is a row and what is noted of it; a page holds fifty of either at most."""
    sound = filled.read_bytes()
    pages = len(sound) // PAGE
    dice = random.Random(7)
    for page in dice.sample(range(1, pages), 25):
        path = tmp_path / f"{page}.db"
        content = bytearray(sound)
        content[page * PAGE : (page + 1) * PAGE] = dice.randbytes(PAGE)
        path.write_bytes(content)
        saved, told = await edits_in(path, clock)
        assert saved >= EDITS - 60, page
        assert (told is None) == (not path.with_name(f"{page}.db.damaged-1").exists())


def harm_behind_the_log(cut: Path) -> None:
    """Rot in a table, of which the log has no newer page."""
    find = "SELECT rootpage FROM sqlite_schema WHERE name = 'tags'"
    ((root,),) = query(cut.with_name("filled.db"), find)
    with cut.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


async def test_what_is_in_the_log_is_saved_too(tmp_path: Path, clock: Clock) -> None:
    cut = await fill(tmp_path, clock, keep_log=True)
    harm_behind_the_log(cut)
    saved, told = await edits_in(cut, clock)
    assert (saved, told is None) == (EDITS, False)
    assert cut.with_name("cut.db.damaged-1-wal").stat().st_size > 100 * PAGE


async def test_devices_are_saved_and_the_life_is_another(
    filled: Path, path: Path, clock: Clock
) -> None:
    content = bytearray(filled.read_bytes())
    header_gone(content)
    path.write_bytes(content)
    async with HotspotStore.open(path, clock) as store:
        assert await store.device_by_token(TOKEN) == DEVICE
        (before,) = query(filled, "SELECT value FROM meta WHERE key = 'epoch'")
        assert store.epoch != before[0]


async def test_a_rotten_edit_is_not_taken_for_a_sound_one(
    filled: Path, path: Path, clock: Clock
) -> None:
    """The file is a database still; only one letter is another."""
    content = filled.read_bytes().replace(
        b"Edit of f0000000-0000-4000-8000-000000000005", b"?" * 44
    )
    path.write_bytes(b"\0" * 100 + content[100:])
    saved, told = await edits_in(path, clock)
    assert saved == EDITS - 1
    assert told is not None


async def test_edits_whose_bookkeeping_is_lost_still_wait(
    filled: Path, path: Path, clock: Clock
) -> None:
    ((root,),) = query(
        filled, "SELECT rootpage FROM sqlite_schema WHERE name = 'record_sync_status'"
    )
    content = bytearray(filled.read_bytes())
    content[(root - 1) * PAGE : root * PAGE] = b"\xa5" * PAGE
    path.write_bytes(content)
    saved, told = await edits_in(path, clock)
    assert saved == EDITS
    assert told is not None and "Some edits may be lost" in told


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_CANTOPEN])
def test_a_card_that_is_full_is_no_damage(
    filled: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(path: Path) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr("hotspot.store.damage._read_only", fail)
    assert damage(filled, thorough=True) is None


async def test_a_sound_database_stays(filled: Path, path: Path, clock: Clock) -> None:
    shutil.copy(filled, path)
    assert await edits_in(path, clock) == (EDITS, None)
    assert [one.name for one in path.parent.iterdir()] == ["hotspot.db"]


async def test_a_start_reads_the_beginnings_and_the_rest_later(
    filled: Path, path: Path, clock: Clock
) -> None:
    content = bytearray(filled.read_bytes())
    at = content.index(b"Verse number 1501") // PAGE * PAGE
    content[at : at + PAGE] = b"\xff" * PAGE
    path.write_bytes(content)
    async with HotspotStore.open(path, clock) as store:
        assert await store.rebuilt() is None
        assert await store.is_damaged(after_s=0)
    saved, told = await edits_in(path, clock)
    assert told is not None
    assert saved > EDITS - 20, "the edits on that page alone are lost"


async def test_what_is_sound_is_not_noted(filled: Path, path: Path, clock: Clock) -> None:
    shutil.copy(filled, path)
    async with HotspotStore.open(path, clock) as store:
        assert not await store.is_damaged(after_s=0)
        assert not await asyncio.to_thread(doubt.is_noted, path)


OPEN = """
import asyncio, sys
from pathlib import Path
from hotspot.clock import Clock
from hotspot.store.store import HotspotStore

async def main():
    async with HotspotStore.open(Path(sys.argv[1]), Clock(0)):
        pass

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "point", ["rebuild.written", "rebuild.ready", "rebuild.aside-wal", "rebuild.aside"]
)
async def test_a_power_cut_while_it_is_rebuilt_loses_nothing(
    tmp_path: Path, clock: Clock, point: str
) -> None:
    cut = await fill(tmp_path, clock, keep_log=True)
    harm_behind_the_log(cut)
    await asyncio.to_thread(doubt.note, cut)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OPEN, str(cut)],
        env={**os.environ, VARIABLE: point},
    )
    assert done.returncode == -signal.SIGKILL
    saved, told = await edits_in(cut, clock)
    assert (saved, told is None) == (EDITS, False)
    kept = sorted(one.name for one in tmp_path.glob("cut.db*"))
    assert {"cut.db", "cut.db.damaged-1", "cut.db.damaged-1-wal"} <= set(kept)
    assert not {"cut.db.rebuilt", "cut.db.rebuilding", "cut.db.damaged-2"} & set(kept)


async def test_a_second_damage_is_kept_beside_the_first(path: Path, clock: Clock) -> None:
    for number in (1, 2):
        path.write_bytes(b"not a database" * (1000 * number))
        async with HotspotStore.open(path, clock) as store:
            assert f"damaged-{number}." in (await store.rebuilt() or "")
    async with open_database(path, T2) as database:
        assert database.epoch
