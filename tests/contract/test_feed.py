"""The feed of any store: everything once, in order, and cheap positions."""

import asyncio
import random

import pytest

from hotspot.errors import PositionGone
from hotspot.model import positions, records
from hotspot.model.stores import FeedQuery, RecordTransaction
from hotspot.model.tables import Scope, ScopeKind
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
    read,
    timing,
    uuid,
    verse,
    version_row,
)

NOWHERE = Scope(ScopeKind.TEXT, uuid(0))


async def test_a_version_that_is_not_here_is_unknown(store: Store) -> None:
    page = await read(store, (NOWHERE, None))
    assert page.records == []
    state = page.scopes[0]
    assert (state.scope, state.has_more, state.known) == (NOWHERE, False, False)


async def test_from_the_start_come_all_current_rows_of_the_version(opened: Opened) -> None:
    rows = [version_row(TEXT), *(verse(n) for n in range(1, 6))]
    await opened.seed([*rows, version_row(OTHER_TEXT), verse(1, scope=OTHER_TEXT)])
    page = await read(opened.store, (TEXT, None))
    assert {r.key: r for r in page.records} == {r.key: r for r in rows}
    assert page.scopes[0].known
    assert not page.scopes[0].has_more


async def test_audio_versions_bring_their_files_and_timings(opened: Opened) -> None:
    rows = [version_row(AUDIO), media_file(0, file_size=7), timing(1, 0.5), timing(2, 2.75)]
    await opened.seed([*rows, version_row(TEXT), verse(1)])
    found, _ = await drain(opened.store, AUDIO)
    assert {r.key: r for r in found} == {r.key: r for r in rows}


async def test_a_feed_read_to_its_end_says_nothing_and_its_position_stays(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), verse(1)])
    _, token = await drain(opened.store, TEXT)
    page = await read(opened.store, (TEXT, token))
    assert page.records == []
    assert not page.scopes[0].has_more
    again = await read(opened.store, (TEXT, page.scopes[0].token))
    assert again.records == []


async def test_an_edit_comes_after_the_end_once_and_as_it_is_now(opened: Opened) -> None:
    first = verse(1)
    await opened.seed([version_row(TEXT), first, verse(2)])
    _, token = await drain(opened.store, TEXT)
    second = edited(first, "Second", T1)
    third = edited(second, "Third", T2)
    await accept(opened.store, accepted(second, first))
    await accept(opened.store, accepted(third, second))
    found, token = await drain(opened.store, TEXT, token)
    assert found == [third]
    assert (await drain(opened.store, TEXT, token))[0] == []


async def test_an_edit_with_an_old_stamp_still_comes(opened: Opened) -> None:
    await opened.seed([version_row(TEXT, T2), verse(1, updated_at=T2)])
    _, token = await drain(opened.store, TEXT)
    await accept(opened.store, accepted(verse(2, updated_at=T0)))
    found, _ = await drain(opened.store, TEXT, token)
    assert found == [verse(2, updated_at=T0)]


async def test_a_deleted_record_comes_as_such(opened: Opened) -> None:
    row = verse(1)
    await opened.seed([version_row(TEXT), row])
    _, token = await drain(opened.store, TEXT)
    gone = records.make(row, T1, {**row.values, "deleted_at": T1})
    await accept(opened.store, accepted(gone, row))
    found, _ = await drain(opened.store, TEXT, token)
    assert found == [gone]
    assert found[0].deleted


@pytest.mark.parametrize("limit", [1, 7, 50, 251])
async def test_pages_inside_one_transaction_lose_and_repeat_nothing(
    opened: Opened, limit: int
) -> None:
    count = 20 if limit == 1 else 250
    await opened.seed([version_row(TEXT), *(verse(n) for n in range(count))])
    found, _ = await drain(opened.store, TEXT, limit=limit)
    assert len(found) == count + 1
    assert len({r.key for r in found}) == count + 1


async def test_pages_across_tables_of_one_transaction(opened: Opened) -> None:
    rows = [
        version_row(AUDIO),
        *(media_file(n) for n in range(9)),
        *(timing(n, 1.5) for n in range(9)),
    ]
    await opened.seed(rows)
    found, _ = await drain(opened.store, AUDIO, limit=4)
    assert len(found) == len(rows)
    assert {r.key for r in found} == {r.key for r in rows}


async def test_a_limit_is_over_all_scopes_and_says_which_have_more(opened: Opened) -> None:
    scopes = (TEXT, OTHER_TEXT)
    rows = [verse(n, scope=scope) for scope in scopes for n in range(10)]
    await opened.seed([*map(version_row, scopes), *rows])
    page = await read(opened.store, (TEXT, None), (OTHER_TEXT, None), limit=5)
    assert len(page.records) == 5
    assert [one.scope for one in page.scopes] == [TEXT, OTHER_TEXT]
    assert [one.has_more for one in page.scopes] == [True, True]
    found = list(page.records)
    while any(one.has_more for one in page.scopes):
        page = await read(opened.store, *((s.scope, s.token) for s in page.scopes), limit=5)
        assert len(page.records) <= 5
        found += page.records
    assert len(found) == 22
    assert len({r.key for r in found}) == 22


async def test_only_the_scope_that_changed_speaks(opened: Opened) -> None:
    scopes = [Scope(ScopeKind.TEXT, uuid(n)) for n in range(40)]
    await opened.seed(
        [version_row(scope) for scope in scopes] + [verse(1, scope=TEXT), version_row(TEXT)]
    )
    page = await read(opened.store, *((scope, None) for scope in [*scopes, TEXT]))
    new = verse(2)
    await accept(opened.store, accepted(new))
    page = await read(opened.store, *((one.scope, one.token) for one in page.scopes))
    assert page.records == [new]
    assert [one.scope for one in page.scopes] == [*scopes, TEXT]
    assert not any(one.has_more for one in page.scopes)


async def test_only_the_tables_asked_for(opened: Opened) -> None:
    await opened.seed([version_row(AUDIO), media_file(1), timing(1, 0.5)])
    page = await opened.store.read_changes(
        FeedQuery(scopes=[(AUDIO, None)], limit=10, tables=["media_files_verses"])
    )
    assert page.records == [timing(1, 0.5)]


async def test_named_records_come_whatever_the_position_which_stays(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), *(verse(n) for n in range(5))])
    _, token = await drain(opened.store, TEXT)
    page = await opened.store.read_changes(
        FeedQuery(scopes=[(TEXT, token)], limit=10, record_ids=[verse(3).id, uuid(999)])
    )
    assert page.records == [verse(3)]
    assert page.scopes[0].token == token


async def test_since_counts_only_where_there_is_no_position(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), verse(1)])
    store = opened.store
    everything = await store.read_changes(
        FeedQuery(scopes=[(TEXT, None)], limit=10, since="2000-01-01T00:00:00.000Z")
    )
    assert len(everything.records) == 2
    future = "2990-01-01T00:00:00.000Z"
    nothing = await store.read_changes(FeedQuery(scopes=[(TEXT, None)], limit=10, since=future))
    assert nothing.records == []
    await accept(store, accepted(verse(2)))
    page = await store.read_changes(
        FeedQuery(scopes=[(TEXT, nothing.scopes[0].token)], limit=10, since=future)
    )
    assert page.records == [verse(2)]


@pytest.mark.parametrize(
    "token", ["", "nonsense", "é", positions.encode("another life", 1, 1, uuid(1))]
)
async def test_a_position_that_was_never_given_here_is_gone(opened: Opened, token: str) -> None:
    await opened.seed([version_row(TEXT)])
    with pytest.raises(PositionGone):
        await read(opened.store, (TEXT, token))


async def test_what_is_redelivered_comes_again_unchanged(opened: Opened) -> None:
    rows = [verse(1), verse(2)]
    await opened.seed([version_row(TEXT), *rows])
    _, token = await drain(opened.store, TEXT)
    await opened.store.write(lambda tx: tx.redeliver([rows[1].key]))
    found, token = await drain(opened.store, TEXT, token)
    assert found == [rows[1]]
    assert (await drain(opened.store, TEXT, token))[0] == []


@pytest.mark.parametrize("seed", range(3))
async def test_a_reader_ends_with_what_the_store_has(opened: Opened, seed: int) -> None:
    """Writers and a reader at random, at the same time: the reader misses nothing."""
    chance = random.Random(seed)
    await opened.seed([version_row(TEXT)])
    held: dict[str, str] = {}
    written: dict[str, str] = {}
    token: str | None = None

    async def edit(step: int) -> None:
        row = verse(chance.randrange(8), f"Text {step}", T1)
        await accept(opened.store, accepted(row))
        written[row.id] = row.version

    for step in range(0, 24, 4):
        async with asyncio.TaskGroup() as group:
            for one in range(chance.randint(1, 4)):
                group.create_task(edit(step + one))
            reading = group.create_task(
                read(opened.store, (TEXT, token), limit=chance.randint(1, 5))
            )
        held |= {r.id: r.version for r in reading.result().records if r.table == "verse_texts"}
        token = reading.result().scopes[0].token
    found, _ = await drain(opened.store, TEXT, token)
    held |= {r.id: r.version for r in found if r.table == "verse_texts"}
    rows, _ = await drain(opened.store, TEXT)
    assert held == {r.id: r.version for r in rows if r.table == "verse_texts"}
    assert held.keys() == written.keys()


async def test_what_a_client_wrote_itself_need_not_come_back(opened: Opened) -> None:
    """Unless somebody else changed it since."""
    await opened.seed([version_row(TEXT), *(verse(n) for n in range(1, 4))])
    _, token = await drain(opened.store, TEXT)
    mine = [edited(verse(n), "mine", T1) for n in (1, 2)]

    async def work(tx: RecordTransaction) -> str:
        await tx.current([verse(1).key, verse(2).key])
        await tx.accept([accepted(row, verse(n)) for n, row in enumerate(mine, start=1)])
        return await tx.name()

    name = await opened.store.write(work)
    theirs = edited(mine[1], "theirs", T2)
    await accept(opened.store, accepted(theirs, mine[1]))
    asked = FeedQuery(scopes=[(TEXT, token)], limit=10, written=[name, "of another epoch"])
    page = await opened.store.read_changes(asked)
    assert list(page.records) == [theirs]
    assert page.scopes[0].token != token
    again = await opened.store.read_changes(FeedQuery(scopes=[(TEXT, token)], limit=10))
    assert {record.key for record in again.records} == {mine[0].key, theirs.key}
