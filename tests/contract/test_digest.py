"""Digests of any store: the same numbers from both kinds, whatever was done to the rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot.model import instants, records
from hotspot.model.digest import WHOLE, Index, Range, RowVersion, fingerprint, row_hash
from hotspot.model.records import Record
from hotspot.model.tables import VERSE_TEXTS, Scope, ScopeKind
from tests.contract import postgres, sqlite
from tests.contract.opened import (
    AUDIO,
    OTHER_TEXT,
    T0,
    T1,
    T2,
    TEXT,
    Opened,
    Store,
    accept,
    accepted,
    drain,
    edited,
    media_file,
    timing,
    uuid,
    verse,
    version_row,
)
from tests.support.requirements import needs

NOWHERE = Scope(ScopeKind.TEXT, uuid(0))


def listed(record: Record) -> RowVersion:
    number = row_hash(record.id, record.updated_at, record.hash)
    return RowVersion(record.table, record.id, fingerprint(number))


def halves(cut: str) -> list[Range]:
    return [Range("", cut), Range(cut, "")]


async def check(store: Store, scope: Scope, rows: list[Record]) -> None:
    """That the store has the digests and the rows of these records and of no others."""
    index = Index(listed(record) for record in rows)
    ranges = [WHOLE]
    while ranges:
        (found,) = await store.digest([(scope, ranges)])
        assert found.sums == [index.sum(ids) for ids in ranges]
        versions = await store.list_versions(scope, ranges)
        assert sorted(versions, key=lambda r: r.id) == [
            r for ids in ranges for r in index.rows(ids)
        ]
        ranges = [part for ids in ranges if (parts := index.divide(ids)) != [ids] for part in parts]


async def test_a_version_that_is_not_here_has_no_position(store: Store) -> None:
    (found,) = await store.digest([(NOWHERE, [WHOLE])])
    assert (found.token, found.sums[0].count) == (None, 0)
    assert await store.list_versions(NOWHERE, [WHOLE]) == []


async def test_every_row_of_a_version_counts_and_no_other(opened: Opened) -> None:
    rows = [version_row(TEXT), *(verse(n) for n in range(1, 40))]
    await opened.seed([*rows, version_row(OTHER_TEXT), verse(1, scope=OTHER_TEXT)])
    await check(opened.store, TEXT, rows)


async def test_audio_versions_count_their_files_and_timings(opened: Opened) -> None:
    files = [media_file(n, file_size=n) for n in range(5)]
    rows = [version_row(AUDIO), *files, *(timing(n, n / 4) for n in range(1, 20))]
    await opened.seed(rows)
    await check(opened.store, AUDIO, rows)


async def test_edits_deletions_and_new_rows_count(opened: Opened) -> None:
    before = [version_row(TEXT), *(verse(n) for n in range(1, 6))]
    await opened.seed(before)
    gone = records.make(verse(2), T1, {**verse(2).values, "deleted_at": T1})
    changed = edited(verse(1), "changed", T1)
    await accept(
        opened.store, accepted(changed, verse(1)), accepted(gone, verse(2)), accepted(verse(9))
    )
    await check(opened.store, TEXT, [before[0], changed, gone, *before[3:], verse(9)])


async def test_equal_stamps_with_different_content_differ(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), verse(1, "One"), verse(1, "One", scope=OTHER_TEXT)])
    (before,) = await opened.store.digest([(TEXT, [WHOLE])])
    await accept(opened.store, accepted(verse(1, "Other"), verse(1, "One")))
    (after,) = await opened.store.digest([(TEXT, [WHOLE])])
    assert before.sums != after.sums
    await check(opened.store, TEXT, [version_row(TEXT), verse(1, "Other")])


async def test_the_position_leads_to_what_changed_since_and_to_nothing_else(
    opened: Opened,
) -> None:
    await opened.seed([version_row(TEXT), verse(1), verse(2)])
    (found,) = await opened.store.digest([(TEXT, halves("8"))])
    assert found.token is not None
    assert (await drain(opened.store, TEXT, found.token))[0] == []
    changed = edited(verse(2), "changed", T2)
    await accept(opened.store, accepted(changed, verse(2)))
    assert (await drain(opened.store, TEXT, found.token))[0] == [changed]


async def test_many_versions_are_answered_in_order(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), verse(1), version_row(AUDIO)])
    found = await opened.store.digest([(AUDIO, [WHOLE]), (NOWHERE, []), (TEXT, halves("f"))])
    assert [one.scope for one in found] == [AUDIO, NOWHERE, TEXT]
    assert [len(one.sums) for one in found] == [1, 0, 2]
    assert sum(one.count for one in found[2].sums) == 2


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Opened, Opened]]:
    """A store of each kind."""
    needs("postgres")
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(sqlite.open_store(tmp_path)),
            await stack.enter_async_context(postgres.open_store(tmp_path)),
        )


LATEST_MS = instants.to_ms("9998-12-31T23:59:59.999Z")
STATES = st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), st.booleans())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    states=st.dictionaries(
        st.uuids().map(str), st.tuples(STATES, st.integers(0, LATEST_MS)), min_size=1, max_size=40
    ),
    cut=st.text("0123456789abcdef", min_size=1, max_size=8).filter(lambda cut: cut.strip("0")),
)
async def test_both_kinds_of_store_have_the_same_numbers(
    both: tuple[Opened, Opened],
    states: dict[str, tuple[tuple[str, bool], int]],
    cut: str,
) -> None:
    rows = []
    for id_, ((text, deleted), stamp) in states.items():
        values = {**verse(1).values, "verse_id": f"gen-1-{id_}", "verse_text": text}
        values["deleted_at"] = T0 if deleted else None
        rows.append(records.build(VERSE_TEXTS, id_, values, instants.from_ms(stamp)))
    await asyncio.gather(*(opened.seed(rows) for opened in both))
    held = [await opened.store.list_versions(TEXT, [WHOLE]) for opened in both]
    assert set(held[0]) == set(held[1]) >= {listed(record) for record in rows}
    index = Index(held[0])
    for opened in both:
        ((_, first), (_, second)) = [
            (found.scope, found.sums)
            for found in await opened.store.digest([(TEXT, halves(cut)), (TEXT, [WHOLE])])
        ]
        assert first == [index.sum(ids) for ids in halves(cut)]
        assert second == [index.sum(WHOLE)]
