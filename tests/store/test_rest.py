"""Reads of one table, against what the same read means over plain lists."""

import operator
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.clock import Clock
from hotspot.model import instants, restql
from hotspot.model.reading import (
    Among,
    Comparison,
    Condition,
    Group,
    Is,
    Not,
    Op,
    columns,
)
from hotspot.model.records import Record, Value
from hotspot.model.tables import VERSE_TEXTS
from hotspot.store.rest import MARGIN_MS, TableReads, condition_sql
from hotspot.store.store import HotspotStore
from tests.contract.opened import LANGUAGE, OTHER_TEXT, T0, T1, T2, media_file, uuid, verse
from tests.store.support import bring, package, query, staging

Row = dict[str, Value]


async def read(reader: TableReads, table: str, *pairs: tuple[str, str]) -> Sequence[Any]:
    """The rows that these parameters ask for."""
    return (await reader.read_table(restql.parse(table, pairs), counted=False)).rows


async def ids(reader: TableReads, *pairs: tuple[str, str]) -> list[str]:
    return [row["id"] for row in await read(reader, "verse_texts", *pairs)]


def of(*verses: Record) -> list[str]:
    return [one.id for one in verses]


async def test_rows_have_what_records_have(store: HotspotStore) -> None:
    one = verse(1)
    audio = media_file(1, is_bible_audio=True, duration_seconds=1.5, file_size=7)
    other = media_file(2, is_bible_audio=False)
    await bring(store, one, audio, other, media_file(3))
    assert await read(store, "verse_texts") == [one.to_wire()]
    assert (await read(store, "media_files"))[0] == audio.to_wire()
    truths = await read(store, "media_files", ("select", "is_bible_audio"))
    assert [row["is_bible_audio"] for row in truths] == [True, False, None]
    assert [type(row["is_bible_audio"]) for row in truths[:2]] == [bool, bool]
    assert len(await read(store, "media_files", ("is_bible_audio", "in.(true)"))) == 1


async def test_context_is_read_as_it_came(store: HotspotStore, path: Path) -> None:
    await store.publish(package(), staging(path.parent / "p.db", [verse(1)]), T1)
    (row,) = await read(store, "language_entities", ("updated_at", f"gte.{T0}"))
    assert (row["id"], row["name"], row["deleted_at"]) == (LANGUAGE, "English", None)


async def test_rows_are_counted_without_their_window(store: HotspotStore) -> None:
    await bring(store, *(verse(n) for n in range(5)))
    asked = restql.parse("verse_texts", [("id", f"gt.{uuid(0)}"), ("limit", "2"), ("offset", "1")])
    page = await store.read_table(asked, counted=True)
    assert ([row["id"] for row in page.rows], page.total) == ([uuid(2), uuid(3)], 4)


async def test_without_an_order_pages_do_not_overlap(store: HotspotStore) -> None:
    await bring(store, *(verse(n) for n in reversed(range(9))))
    found = []
    for offset in range(0, 9, 2):
        found += await ids(store, ("limit", "2"), ("offset", str(offset)), ("order", "version"))
    assert found == [uuid(n) for n in range(9)]


async def test_paging_by_the_last_id_loses_no_row(store: HotspotStore) -> None:
    """Stamps rise while ids fall, so rows behind the last have lower ids."""
    stamped = [verse(n, updated_at=instants.later(T0, 1000 * ((12 - n) // 2))) for n in range(12)]
    await bring(store, *stamped)
    asked = [("order", "updated_at.asc,id.asc"), ("limit", "5"), ("updated_at", f"gte.{T0}")]
    found = page = await ids(store, *asked)
    while page:
        page = await ids(store, *asked, ("id", f"gt.{page[-1]}"))
        found = found + page
    assert found == of(*sorted(stamped, key=lambda one: (one.updated_at, one.id)))


async def test_paging_from_a_row_that_is_gone_begins_anew(store: HotspotStore) -> None:
    await bring(store, verse(1), verse(2))
    asked = [("order", "updated_at.asc,id.asc"), ("id", f"gt.{uuid(9)}")]
    assert await ids(store, *asked) == [uuid(1), uuid(2)]


async def test_in_another_order_the_id_is_compared_as_it_is(store: HotspotStore) -> None:
    await bring(store, verse(1, updated_at=T1), verse(2, updated_at=T0))
    assert await ids(store, ("id", f"gt.{uuid(1)}"), ("order", "id")) == [uuid(2)]


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
        assert await ids(store, since) == of(late)
        assert await ids(store, ("updated_at", f"gt.{clock.now()}")) == []
        assert await ids(store, since, ("text_version_id", f"eq.{OTHER_TEXT.id}")) == []
        assert await ids(store, ("updated_at", f"gte.{T0}")) == of(early, late)
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


_VERSES = columns(VERSE_TEXTS)
_TEXTS, _NUMBERS = st.sampled_from(["", "a", "b'", "é"]), st.integers(-1, 2)
_COMPARISONS = st.one_of(
    st.builds(Comparison, st.just(_VERSES["publish_status"]), st.sampled_from(Op), _TEXTS),
    st.builds(Comparison, st.just(_VERSES["version"]), st.sampled_from(Op), _NUMBERS),
    st.builds(Among, st.just(_VERSES["version"]), st.lists(_NUMBERS, max_size=3).map(tuple)),
    st.builds(Is, st.sampled_from([_VERSES["version"], _VERSES["publish_status"]]), st.none()),
)
_CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    _COMPARISONS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Group, st.lists(inner, min_size=1, max_size=3).map(tuple), st.booleans()),
    ),
    max_leaves=6,
)
_ROWS = st.lists(
    st.fixed_dictionaries({"publish_status": st.none() | _TEXTS, "version": st.none() | _NUMBERS}),
    max_size=6,
)
_TESTS: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NEQ: operator.ne,
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
    Op.LT: operator.lt,
    Op.LTE: operator.le,
}


def holds(condition: Condition, row: Row) -> bool | None:
    """Whether a row fulfils a condition; None where PostgreSQL says null."""
    match condition:
        case Comparison(column, op, value):
            held = row[column.name]
            return None if held is None else _TESTS[op](held, value)
        case Among(column, values):
            held = row[column.name]
            return False if not values else None if held is None else held in values
        case Is(column, value):
            return row[column.name] is value
        case Not(of):
            inner = holds(of, row)
            return None if inner is None else not inner
        case Group(members, either):
            found = {holds(one, row) for one in members}
            return either if either in found else None if None in found else not either


@given(_CONDITIONS, _ROWS)
def test_conditions_hold_for_the_same_rows_as_in_postgresql(
    condition: Condition, rows: list[Row]
) -> None:
    parameters: list[Any] = []
    sql = condition_sql(condition, parameters)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (place, publish_status TEXT, version INTEGER)")
        given_ = [(n, row["publish_status"], row["version"]) for n, row in enumerate(rows)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", given_)
        found = connection.execute(f"SELECT place FROM t WHERE {sql} ORDER BY 1", parameters)
        assert [row[0] for row in found] == [
            n for n, row in enumerate(rows) if holds(condition, row)
        ]


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        ("version", [1, 2, None]),
        ("version.desc", [None, 2, 1]),
        ("version.asc.nullsfirst", [None, 1, 2]),
        ("version.desc.nullslast", [2, 1, None]),
    ],
)
async def test_null_stands_where_it_is_asked_for(
    store: HotspotStore, path: Path, order: str, numbers: list[int | None]
) -> None:
    await bring(store, verse(1), verse(2), verse(3))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE verse_texts SET version = 2 WHERE id = ?", (uuid(2),))
        connection.execute("UPDATE verse_texts SET version = NULL WHERE id = ?", (uuid(1),))
        connection.commit()
    found = await read(store, "verse_texts", ("order", order))
    assert [row["version"] for row in found] == numbers
