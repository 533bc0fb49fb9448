"""Reads of one table mean the same on both kinds of store."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot.model import instants, records, restql
from hotspot.model.reading import (
    Among,
    Comparison,
    Condition,
    Group,
    Is,
    Not,
    Op,
    Query,
    TableReader,
    columns,
)
from hotspot.model.records import Record, Value
from hotspot.model.tables import VERSE_TEXTS
from tests.contract.opened import (
    OTHER_TEXT,
    T0,
    T1,
    TEXT,
    Opened,
    Store,
    media_file,
    uuid,
    verse,
)

BIBLE = 31_102
Row = dict[str, Value]
Pair = tuple[str, str]


async def read(reader: TableReader, table: str, *pairs: Pair) -> Sequence[Any]:
    """The rows that these parameters ask for."""
    return (await reader.read_table(restql.parse(table, pairs), counted=False)).rows


async def ids(reader: TableReader, *pairs: Pair) -> list[str]:
    return [row["id"] for row in await read(reader, "verse_texts", *pairs)]


async def paged(reader: TableReader, *pairs: Pair) -> list[str]:
    """All ids that paging by the last id finds."""
    found = page = await ids(reader, *pairs)
    while page:
        page = await ids(reader, *pairs, ("id", f"gt.{page[-1]}"))
        found = found + page
    return found


def of(*verses: Record) -> list[str]:
    return [one.id for one in verses]


def by_stamp(rows: Sequence[Record]) -> list[Record]:
    return sorted(rows, key=lambda one: (one.updated_at, one.id))


async def test_rows_have_what_records_have(opened: Opened) -> None:
    one = verse(1)
    audio = media_file(1, is_bible_audio=True, duration_seconds=1.5, file_size=7)
    other = media_file(2, is_bible_audio=False)
    await opened.seed([one, audio, other, media_file(3)])
    assert await read(opened.store, "verse_texts") == [one.to_wire()]
    assert (await read(opened.store, "media_files"))[0] == audio.to_wire()


async def test_booleans_are_true_and_false(opened: Opened) -> None:
    await opened.seed([media_file(n, is_bible_audio=one) for n, one in enumerate((True, False))])
    await opened.seed([media_file(2)])
    truths = await read(opened.store, "media_files", ("select", "is_bible_audio"))
    assert [row["is_bible_audio"] for row in truths] == [True, False, None]
    assert [type(row["is_bible_audio"]) for row in truths[:2]] == [bool, bool]
    for text, count in (("in.(true)", 1), ("eq.false", 1), ("is.true", 1), ("not.is.true", 2)):
        assert len(await read(opened.store, "media_files", ("is_bible_audio", text))) == count


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("file_size", "gt.7", 1),
        ("duration_seconds", "lte.1.5", 1),
        ("created_at", f"lt.{T1}", 1),
        ("updated_by", "is.null", 2),
        ("id", f"in.({media_file(1).id})", 1),
        ("audio_version_id", f"neq.{OTHER_TEXT.id}", 2),
    ],
)
async def test_every_type_is_compared(opened: Opened, name: str, text: str, count: int) -> None:
    given_: dict[str, Value] = {"file_size": 7, "duration_seconds": 1.5, "created_at": T0}
    more: dict[str, Value] = {"file_size": 1 << 40, "duration_seconds": 99.0, "created_at": T1}
    await opened.seed([media_file(1, **given_), media_file(2, **more)])
    assert len(await read(opened.store, "media_files", (name, text))) == count


async def test_rows_are_counted_without_their_window(opened: Opened) -> None:
    await opened.seed([verse(n) for n in range(5)])
    asked = restql.parse("verse_texts", [("id", f"gt.{uuid(0)}"), ("limit", "2"), ("offset", "1")])
    page = await opened.store.read_table(asked, counted=True)
    assert ([row["id"] for row in page.rows], page.total) == ([uuid(2), uuid(3)], 4)


async def test_without_an_order_pages_do_not_overlap(opened: Opened) -> None:
    await opened.seed([verse(n) for n in reversed(range(9))])
    found = []
    for offset in range(0, 9, 2):
        window = (("limit", "2"), ("offset", str(offset)), ("order", "version"))
        found += await ids(opened.store, *window)
    assert found == [uuid(n) for n in range(9)]


async def test_paging_by_the_last_id_loses_no_row(opened: Opened) -> None:
    """Stamps rise while ids fall, so rows behind the last have lower ids."""
    stamped = [verse(n, updated_at=instants.later(T0, 1000 * ((12 - n) // 2))) for n in range(12)]
    await opened.seed(stamped)
    asked = [("order", "updated_at.asc,id.asc"), ("limit", "5"), ("updated_at", f"gte.{T0}")]
    assert await paged(opened.store, *asked) == of(*by_stamp(stamped))


async def test_paging_through_a_whole_bible_loses_no_row(opened: Opened) -> None:
    numbers = [n * 7_919 % BIBLE for n in range(BIBLE)]
    bible = [verse(n, "", instants.later(T0, place // 900)) for place, n in enumerate(numbers)]
    await opened.seed([*bible, *(verse(n, scope=OTHER_TEXT) for n in range(500))])
    asked = [("text_version_id", f"eq.{TEXT.id}"), ("select", "id"), ("limit", "5000")]
    counted = await opened.store.read_table(restql.parse("verse_texts", asked), counted=True)
    assert counted.total == BIBLE
    assert await paged(opened.store, *asked, ("order", "id.asc")) == sorted(of(*bible))
    stamped = (("order", "updated_at.asc,id.asc"), ("updated_at", f"gte.{T0}"))
    assert await paged(opened.store, *asked, *stamped) == of(*by_stamp(bible))


async def test_paging_from_a_row_that_is_gone_begins_anew(opened: Opened) -> None:
    await opened.seed([verse(1), verse(2)])
    asked = [("order", "updated_at.asc,id.asc"), ("id", f"gt.{uuid(9)}")]
    assert await ids(opened.store, *asked) == [uuid(1), uuid(2)]


async def test_in_another_order_the_id_is_compared_as_it_is(opened: Opened) -> None:
    await opened.seed([verse(1, updated_at=T1), verse(2, updated_at=T0)])
    assert await ids(opened.store, ("id", f"gt.{uuid(1)}"), ("order", "id")) == [uuid(2)]


async def test_texts_sort_by_their_code_points(opened: Opened) -> None:
    texts = ["Z", "a", "B", "é", "_", "", "😀", "\uffee"]
    await opened.seed([verse(n, text) for n, text in enumerate(texts)])
    found = await read(opened.store, "verse_texts", ("order", "verse_text"))
    assert [row["verse_text"] for row in found] == sorted(texts)
    later = await read(opened.store, "verse_texts", ("verse_text", "gt.Z"))
    assert {row["verse_text"] for row in later} == {text for text in texts if text > "Z"}


def numbered(number: int, version: int | None, status: str | None = None) -> Record:
    """A verse with this number of a version, and this status."""
    values = {**verse(number).values, "version": version, "publish_status": status}
    return records.make(verse(number), T0, values)


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
    opened: Opened, order: str, numbers: list[int | None]
) -> None:
    await opened.seed([numbered(n, version) for n, version in enumerate((None, 2, 1))])
    found = await read(opened.store, "verse_texts", ("order", order))
    assert [row["version"] for row in found] == numbers


_VERSES = columns(VERSE_TEXTS)
_HELD_TEXTS, _HELD_NUMBERS = ("", "a", "b'", "é"), (-1, 0, 1, 2)
_TEXTS, _NUMBERS = st.sampled_from(_HELD_TEXTS), st.sampled_from(_HELD_NUMBERS)
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


@pytest.fixture
async def grid(opened: Opened) -> Store:
    """A store with a verse of each number and status, and of none."""
    pairs = [(n, status) for n in (None, *_HELD_NUMBERS) for status in (None, *_HELD_TEXTS)]
    await opened.seed([numbered(place, *pair) for place, pair in enumerate(pairs)])
    return opened.store


@given(_CONDITIONS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_conditions_hold_for_the_rows_of_which_they_are_true(
    grid: Store, condition: Condition
) -> None:
    everything = await grid.read_table(Query(VERSE_TEXTS, tuple(_VERSES.values())), counted=False)
    found = await grid.read_table(Query(VERSE_TEXTS, (_VERSES["id"],), (condition,)), counted=True)
    expected = [row["id"] for row in everything.rows if holds(condition, dict(row))]
    assert [row["id"] for row in found.rows] == expected
    assert found.total == len(expected)
