"""The quick check and the thorough one say the same of every row."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot.errors import PackageRefused
from hotspot.model.records import Value
from hotspot.model.tables import CONTENT_TABLES, CONTEXT_TABLES, ScopeKind, Table
from hotspot.package.checking import Check, checker
from hotspot.package.rows import COLUMN_NAMES, Bounds, check_row
from tests.package.pieces import AUDIO_ID, LANGUAGE_ID, OTHER_ID, TEXT_ID
from tests.package.test_rows import LATEST, ROWS

TABLES = {table.name: table for table in (*CONTENT_TABLES, *CONTEXT_TABLES)}
TIMES_AND_IDS = (TEXT_ID, AUDIO_ID, OTHER_ID, OTHER_ID.upper(), LATEST, "2031-01-01", "2024-02-30")
NUMBERS = (0, 1, 2, -1, 2**53, 2**53 - 1, 0.0, -0.0, 1.0, 0.5, 1e15, float("inf"))
TEXTS = ("john-3-16", "john-3", "John-3-16", "john-3-16\n", "../x", "", "x" * 70_000, "a\nb")
ODD = ("a\x00b", "पाठ", "\u202e", b"john-3-16", b"")
VALUES: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.sampled_from((*TIMES_AND_IDS, *NUMBERS, *TEXTS, *ODD)),
    st.text(max_size=5),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
)


Outcome = list[tuple[Value, ...]] | str
"""The checked rows with their hashes, or why one is refused."""


def thorough(table: Table, rows: Sequence[Sequence[object]], bounds: Bounds) -> Outcome:
    names = COLUMN_NAMES[table.name]
    try:
        checked = [check_row(table, dict(zip(names, row, strict=True)), bounds) for row in rows]
    except PackageRefused as refusal:
        return str(refusal)
    return [(*row.values, *row.hashes) for row in checked]


def quick(check: Check, rows: Sequence[Sequence[object]]) -> Outcome:
    try:
        return list(check(rows))
    except PackageRefused as refusal:
        return str(refusal)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, list[list[object]]]:
    """Rows of one table that are sound, or nearly."""
    table = TABLES[draw(st.sampled_from(sorted(TABLES)))]
    return table, draw(st.lists(rows(table), min_size=1, max_size=4))


@st.composite
def rows(draw: st.DrawFn, table: Table) -> list[object]:
    row: dict[str, Any] = {"id": OTHER_ID, "updated_at": LATEST, "name": "a name"}
    row |= {"language_entity_id": LANGUAGE_ID, "chapter_id": "john-3", "book_id": "john"}
    row |= {"chapter_number": 3, "verse_number": 16, "media_file_id": OTHER_ID, "tag_id": "t"}
    row |= ROWS[table.name][1] if table.name in ROWS else {}
    if table.defines_scope:
        row["id"] = TEXT_ID if table.scope_kind is ScopeKind.TEXT else AUDIO_ID
    names = COLUMN_NAMES[table.name]
    for name in draw(st.lists(st.sampled_from(names), max_size=3)):
        row[name] = draw(VALUES)
    return [row.get(name) for name in names]


@pytest.mark.parametrize("own", [TEXT_ID, None])
@settings(max_examples=300, deadline=None)
@given(drawn=tables())
def test_both_checks_agree(own: str | None, drawn: tuple[Table, list[list[object]]]) -> None:
    table, given_rows = drawn
    bounds = Bounds("2025-12-01T00:00:00.000Z", {ScopeKind.TEXT: own, ScopeKind.AUDIO: AUDIO_ID})
    check = checker(table, bounds)
    expected = repr(thorough(table, given_rows, bounds))
    assert repr(quick(check, given_rows)) == expected
    assert repr(quick(check, given_rows)) == expected


@pytest.mark.parametrize("more", ["\n", "x", "\x00"])
@pytest.mark.parametrize("name", ROWS)
def test_both_look_at_the_end_of_every_text(name: str, more: str) -> None:
    table, row = ROWS[name]
    bounds = Bounds(LATEST, {ScopeKind.TEXT: TEXT_ID, ScopeKind.AUDIO: AUDIO_ID})
    names = COLUMN_NAMES[name]
    plain = [row.get(column) for column in names]
    for at, column in enumerate(names):
        changed = [*plain[:at], f"{row.get(column, '')}{more}", *plain[at + 1 :]]
        for both in ([changed], [plain, changed], [changed, plain]):
            expected = repr(thorough(table, both, bounds))
            assert repr(quick(checker(table, bounds), both)) == expected, column


@pytest.mark.parametrize("name", ROWS)
def test_plain_rows_are_not_looked_at_twice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> object:
        raise AssertionError("the quick check was not enough")

    monkeypatch.setattr("hotspot.package.checking.check_row", never)
    table, row = ROWS[name]
    bounds = Bounds(LATEST, {ScopeKind.TEXT: TEXT_ID, ScopeKind.AUDIO: AUDIO_ID})
    plain = [row.get(column) for column in COLUMN_NAMES[name]]
    assert len(list(checker(table, bounds)([plain, plain]))) == 2
