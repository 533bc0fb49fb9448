"""Reads of one table: what only the hotspot's store has to do with them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hotspot.clock import Clock
from hotspot.model import instants, restql
from hotspot.model.reading import MARGIN_MS
from hotspot.store.rest import TableReads, rows_sql, source_sql
from hotspot.store.store import HotspotStore
from tests.contract.opened import LANGUAGE, OTHER_TEXT, T0, T1, T2, TEXT, uuid, verse
from tests.store.support import bring, package, query, staging


async def read(reader: TableReads, table: str, *pairs: tuple[str, str]) -> Sequence[Any]:
    """The rows that these parameters ask for."""
    return (await reader.read_table(restql.parse(table, pairs), counted=False)).rows


async def ids(reader: TableReads, *pairs: tuple[str, str]) -> list[str]:
    return [row["id"] for row in await read(reader, "verse_texts", *pairs)]


async def test_context_is_read_as_it_came(store: HotspotStore, path: Path) -> None:
    await store.publish(package(), staging(path.parent / "p.db", [verse(1)]), T1)
    (row,) = await read(store, "language_entities", ("updated_at", f"gte.{T0}"))
    assert (row["id"], row["name"], row["deleted_at"]) == (LANGUAGE, "English", None)


class Moving:
    """The counter under a clock."""

    ms = 0


async def test_what_arrived_since_is_found_under_older_stamps(path: Path) -> None:
    moving = Moving()
    clock = Clock(instants.to_ms(T2), monotonic=lambda: moving.ms)
    async with HotspotStore.open(path, clock) as store:
        early, late = verse(1), verse(2)
        await bring(store, early)
        moving.ms += 2 * MARGIN_MS
        since = ("updated_at", f"gte.{clock.now()}")
        assert await ids(store, since) == []
        await bring(store, late)
        assert await ids(store, since) == [late.id]
        assert await ids(store, ("updated_at", f"gt.{clock.now()}")) == []
        assert await ids(store, since, ("text_version_id", f"eq.{OTHER_TEXT.id}")) == []
        assert await ids(store, ("updated_at", f"gte.{T0}")) == [early.id, late.id]
        moving.ms += 2 * MARGIN_MS
        assert await ids(store, ("updated_at", f"gte.{clock.now()}")) == []


async def test_an_older_database_knows_by_when_its_rows_had_come(
    store: HotspotStore, path: Path
) -> None:
    await bring(store, verse(1, updated_at="2026-01-01T00:00:00.000Z"))
    script = next(Path(restql.__file__).parent.parent.glob("store/schema/*_arrivals.sql"))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"DROP TABLE arrivals; {script.read_text()}")
    assert query(path, "SELECT minute, seq FROM arrivals") == [(T2[:16], 1)]
    assert await ids(store, ("updated_at", f"gte.{T2}")) == [uuid(1)]
    assert await ids(store, ("updated_at", f"gte.{instants.later(T2, 2 * MARGIN_MS)}")) == []


STAMPED = "idx_verse_texts_stamps (text_version_id=?"
ORDER = ("order", "updated_at.asc,id.asc")
SINCE = ("updated_at", f"gte.{T1}")


@pytest.mark.parametrize(
    ("pairs", "index"),
    [
        ([ORDER], f"{STAMPED})"),
        ([ORDER, ("id", f"gt.{uuid(5)}")], f"{STAMPED} AND (updated_at,id)>(?,?))"),
        ([ORDER, SINCE, ("deleted_at", "is.null")], f"{STAMPED})"),
        ([ORDER, SINCE, ("id", f"gt.{uuid(5)}")], f"{STAMPED} AND (updated_at,id)>(?,?))"),
        (
            [("order", "id.asc"), ("id", f"gt.{uuid(5)}")],
            "idx_verse_texts_ids (text_version_id=? AND id>?)",
        ),
    ],
)
async def test_a_page_of_a_version_is_read_where_it_begins(
    store: HotspotStore, path: Path, pairs: list[tuple[str, str]], index: str
) -> None:
    asked = restql.parse("verse_texts", [("text_version_id", f"eq.{TEXT.id}"), *pairs])
    source, parameters = source_sql(asked)
    plan = query(path, f"EXPLAIN QUERY PLAN {rows_sql(asked, source)}", *parameters, 500, 0)
    steps = [str(row[3]) for row in plan]
    assert steps[0] == f"SEARCH t USING INDEX {index}"
    assert not [step for step in steps if "SCAN" in step or "TEMP B-TREE" in step]
