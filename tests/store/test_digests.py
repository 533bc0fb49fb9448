"""The numbers of rows in SQLite: written with every row, and read from an index alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiosqlite
import pytest

from hotspot.clock import Clock
from hotspot.model.digest import WHOLE, row_hash
from hotspot.model.tables import BY_NAME, MEDIA_FILES, MEDIA_FILES_VERSES, VERSE_TEXTS, Table
from hotspot.store.database import open_database
from hotspot.store.digests import _list_sql, _sum_sql
from hotspot.store.migrate import migrate, scripts
from hotspot.store.store import HotspotStore
from tests.contract.opened import T0, T1, TEXT, accept, accepted, edited, verse, version_row
from tests.store.support import bring, package, query, staging

FIRST_WITH_NUMBERS = 7


def check_numbers(path: Path) -> int:
    """Checks the number of every row; how many there are."""
    found = 0
    for table in BY_NAME:
        rows = query(path, f"SELECT id, updated_at, content_hash, row_hash FROM {table}")
        assert [row[3] for row in rows] == [row_hash(*row[:3]) for row in rows]
        found += len(rows)
    return found


async def test_every_way_to_write_a_row_numbers_it(
    store: HotspotStore, path: Path, tmp_path: Path
) -> None:
    rows = [version_row(TEXT), *(verse(n) for n in range(1, 4))]
    await store.publish(package(), staging(tmp_path / "one", rows), T0)
    assert check_numbers(path) == 4
    later = [edited(verse(1), "later", T1), verse(4)]
    await store.publish(package(version="2"), staging(tmp_path / "two", later), T0)
    assert check_numbers(path) == 5
    await bring(store, edited(verse(2), "from upstream", T1), verse(5))
    await accept(store, accepted(edited(verse(3), "edited here", T1), verse(3)))
    assert check_numbers(path) == 6


async def test_rows_from_before_there_were_numbers_get_theirs(path: Path, clock: Clock) -> None:
    known = await asyncio.to_thread(scripts)
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await migrate(connection, [one for one in known if one[0] < FIRST_WITH_NUMBERS], T0)
        await connection.execute(
            "INSERT INTO verse_texts (id, verse_id, text_version_id, verse_text, updated_at,"
            " content_hash, seq) VALUES (?, 'gen-1-1', ?, '', ?, ?, 1)",
            (verse(1).id, TEXT.id, T0, verse(1).hash),
        )
    async with HotspotStore.open(path, clock) as store:
        assert check_numbers(path) == 1
        (row,) = await store.list_versions(TEXT, [WHOLE])
        assert row.id == verse(1).id


@pytest.mark.parametrize("statement", [_sum_sql, _list_sql])
async def test_digests_are_read_from_indexes_alone(
    path: Path, statement: Callable[[Table], str]
) -> None:
    async with open_database(path, T0) as database:
        for table in (MEDIA_FILES, MEDIA_FILES_VERSES, VERSE_TEXTS):
            plan = await database.read(f"EXPLAIN QUERY PLAN {statement(table)}", (TEXT.id,))
            (step,) = [row[3] for row in plan]
            assert f"{table.name} USING COVERING INDEX idx_{table.name}_feed" in step
