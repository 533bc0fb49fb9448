"""Writing to any store: all or nothing, one after the other, and exactly what was given."""

import asyncio
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotspot.model import records
from hotspot.model.aliases import natural_key
from hotspot.model.batches import ANSWERS_KEPT
from hotspot.model.records import Key, Record
from hotspot.model.stores import Device, Loser, RecordTransaction, StoredAnswer
from hotspot.model.tables import BY_NAME
from hotspot.model.timeline import ROUGH_MS, UNDATED_MS
from tests.contract.opened import (
    AUDIO,
    AUTHOR,
    DEVICE,
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


class Wrong(Exception):
    """Raised by a test inside a transaction."""


async def test_a_work_returns_what_it_returns(store: Store) -> None:
    async def work(tx: RecordTransaction) -> str:
        await tx.store_answer(DEVICE.id, "one", "hash", b"answer")
        return "done"

    assert await store.write(work) == "done"


async def test_new_and_changed_rows_are_current_afterwards(opened: Opened) -> None:
    old, new = verse(1), verse(2, "New", T1)
    await opened.seed([version_row(TEXT), old])
    later = edited(old, "Later", T1)
    await accept(opened.store, accepted(later, old), accepted(new))
    current = await opened.store.write(lambda tx: tx.current([old.key, new.key]))
    assert current == {old.key: later, new.key: new}


async def test_missing_records_are_left_out(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), verse(1)])
    keys = [verse(1).key, verse(2).key, Key("media_files", uuid(1))]
    assert await opened.store.write(lambda tx: tx.current(keys)) == {verse(1).key: verse(1)}
    assert await opened.store.write(lambda tx: tx.current([])) == {}


async def test_every_table_and_type_comes_back_as_it_was(opened: Opened) -> None:
    rows = [
        version_row(TEXT),
        version_row(AUDIO),
        verse(1, 'בְּרֵאשִׁית "quoted" \U0001f54a\n\\'),
        timing(1, 0.1),
        media_file(
            1,
            file_size=2**53 - 1,
            duration_seconds=123.456,
            is_bible_audio=True,
            object_key="a/b.mp3",
            updated_by=AUTHOR,
        ),
        media_file(2, is_bible_audio=False, duration_seconds=0.0, file_size=0, version=-1),
    ]
    await accept(opened.store, *map(accepted, rows))
    current = await opened.store.write(lambda tx: tx.current([r.key for r in rows]))
    assert current == {r.key: r for r in rows}
    for record in current.values():
        assert record.hash == records.content_hash(BY_NAME[record.table], record.values)
    flags = [current[row.key].values["is_bible_audio"] for row in rows[4:]]
    assert flags[0] is True
    assert flags[1] is False


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
REALS = st.floats(-1e14, 1e14).map(lambda value: value + 0.0)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=TEXTS, start=REALS)
async def test_any_text_and_number_comes_back_to_the_bit(
    store: Store, text: str, start: float
) -> None:
    rows = [verse(1, text), timing(1, start)]
    await accept(store, *map(accepted, rows))
    current = await store.write(lambda tx: tx.current([r.key for r in rows]))
    assert current == {r.key: r for r in rows}


async def test_an_exception_rolls_back_everything(opened: Opened) -> None:
    old = verse(1)
    await opened.seed([version_row(TEXT), old])
    _, token = await drain(opened.store, TEXT)

    async def work(tx: RecordTransaction) -> None:
        await tx.store_answer(DEVICE.id, "one", "hash", b"answer")
        await tx.accept([accepted(edited(old, "Lost", T1), old), accepted(verse(2))])
        await tx.keep_losers([Loser(old, "version", "local_wins", "reason", DEVICE.id)])
        raise Wrong

    with pytest.raises(Wrong):
        await opened.store.write(work)
    keys = [old.key, verse(2).key]
    assert await opened.store.write(lambda tx: tx.current(keys)) == {old.key: old}
    assert await opened.store.write(lambda tx: tx.stored_answer(DEVICE.id, "one")) is None
    assert await opened.losers() == []
    assert (await drain(opened.store, TEXT, token))[0] == []


async def test_a_failing_work_fails_alone(opened: Opened) -> None:
    await opened.seed([version_row(TEXT)])

    async def work(number: int) -> None:
        async def write(tx: RecordTransaction) -> None:
            await tx.accept([accepted(verse(number))])
            if number % 3 == 0:
                raise Wrong

        await opened.store.write(write)

    results = await asyncio.gather(*map(work, range(12)), return_exceptions=True)
    assert [isinstance(one, Wrong) for one in results] == [n % 3 == 0 for n in range(12)]
    current = await opened.store.write(lambda tx: tx.current([verse(n).key for n in range(12)]))
    assert set(current) == {verse(n).key for n in range(12) if n % 3}


@pytest.mark.parametrize("exists", [True, False])
async def test_writers_of_one_record_see_each_other(opened: Opened, exists: bool) -> None:
    """Twenty increments at the same time make twenty; none is written on an old row."""
    await opened.seed([version_row(TEXT), *([verse(1)] if exists else [])])
    key = verse(1).key

    async def increment(tx: RecordTransaction) -> None:
        row = (await tx.current([key])).get(key)
        values = {**(row or verse(1)).values}
        version = values["version"] if row is not None else 0
        assert isinstance(version, int)
        values["version"] = version + 1
        await tx.accept([accepted(records.make(verse(1), T1, values), row)])

    await asyncio.gather(*(opened.store.write(increment) for _ in range(20)))
    current = await opened.store.write(lambda tx: tx.current([key]))
    assert current[key].values["version"] == (21 if exists else 20)


async def test_an_answer_is_kept_with_its_batch(store: Store) -> None:
    await store.write(lambda tx: tx.store_answer(DEVICE.id, "one", "hash", b"\x00answer"))
    stored = await store.write(lambda tx: tx.stored_answer(DEVICE.id, "one"))
    assert stored == StoredAnswer("hash", b"\x00answer")
    assert await store.write(lambda tx: tx.stored_answer(DEVICE.id, "two")) is None
    assert await store.write(lambda tx: tx.stored_answer(uuid(9), "one")) is None


async def test_the_newest_answers_of_each_device_are_kept(opened: Opened) -> None:
    other = Device(id=uuid(700), name="Other", role="editor")
    await opened.add_device(other, "0f" * 32)
    batches = [(other.id, "only")] + [(DEVICE.id, f"{n % 7}-{n}") for n in range(ANSWERS_KEPT + 3)]
    for device_id, batch_id in batches:
        await opened.store.write(partial(_store, device_id, batch_id))
    kept = [batch for batch in batches if await opened.store.write(partial(_stored, *batch))]
    assert kept == [batches[0], *batches[4:]]


async def _store(device_id: str, batch_id: str, tx: RecordTransaction) -> None:
    await tx.store_answer(device_id, batch_id, "hash", b"answer")


async def _stored(device_id: str, batch_id: str, tx: RecordTransaction) -> bool:
    return await tx.stored_answer(device_id, batch_id) is not None


async def test_a_batch_that_comes_twice_at_once_is_judged_once(store: Store) -> None:
    judged: list[bytes] = []

    async def work(tx: RecordTransaction) -> bytes:
        stored = await tx.stored_answer(DEVICE.id, "one")
        if stored is not None:
            return stored.answer
        answer = f"answer {len(judged)}".encode()
        judged.append(answer)
        await tx.store_answer(DEVICE.id, "one", "hash", answer)
        return answer

    answers = await asyncio.gather(*(store.write(work) for _ in range(5)))
    assert len(set(answers)) == 1


async def test_known_scopes_are_those_whose_version_row_is_here(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), version_row(AUDIO), verse(1, scope=OTHER_TEXT)])
    asked = {TEXT, OTHER_TEXT, AUDIO}
    assert await opened.store.write(lambda tx: tx.known_scopes(asked)) == {TEXT, AUDIO}
    assert await opened.store.write(lambda tx: tx.known_scopes([])) == set()


async def test_losers_are_kept_whole(opened: Opened) -> None:
    row = verse(1)
    await opened.seed([version_row(TEXT), row])
    won = edited(row, "Won", T2)
    losers = [
        Loser(row, won.version, "local_wins", "Last writer wins by timestamp.", DEVICE.id),
        Loser(edited(row, "Near", T1), won.version, "manual", "Simultaneous edits.", None),
        Loser(media_file(1, is_bible_audio=True), "some version", "server_wins", "Later.", None),
    ]
    await opened.store.write(lambda tx: tx.keep_losers(losers))
    assert list(await opened.losers()) == losers


async def test_an_author_nobody_knows_stops_no_edit(opened: Opened) -> None:
    await opened.seed([version_row(TEXT)])
    base = verse(1)
    record = records.build(
        BY_NAME["verse_texts"],
        base.id,
        {**base.values, "created_by": uuid(77), "updated_by": uuid(78), "created_at": T0},
        T1,
    )
    await accept(opened.store, accepted(record))
    current = await opened.store.write(lambda tx: tx.current([record.key]))
    assert current[record.key] == record


async def test_a_doubt_about_a_stamp_is_kept_until_the_row_moves_on(opened: Opened) -> None:
    base = verse(1)
    await opened.seed([version_row(TEXT), base])
    rough = replace(edited(base, "Dated roughly", T1), doubt_ms=ROUGH_MS)
    undated = replace(edited(base, "Not dated", T1), doubt_ms=UNDATED_MS)
    exact = edited(base, "Exact", T2)

    async def current() -> Record:
        return (await opened.store.write(lambda tx: tx.current([base.key])))[base.key]

    for before, after in ((base, rough), (rough, undated), (undated, exact)):
        assert (await current()).doubt_ms == before.doubt_ms
        await accept(opened.store, accepted(after, before))
    assert await current() == exact


async def test_a_doubt_about_a_stamp_is_told_where_a_natural_key_is_sought(opened: Opened) -> None:
    row = replace(verse(1), doubt_ms=ROUGH_MS)
    await opened.seed([version_row(TEXT)])
    await accept(opened.store, accepted(row))
    key = natural_key(row)
    assert key is not None
    found = await opened.store.write(lambda tx: tx.holders([key]))
    assert found[key].doubt_ms == ROUGH_MS


async def test_a_thousand_edits_in_one_transaction(opened: Opened) -> None:
    rows = [verse(n) for n in range(1_000)]
    await opened.seed([version_row(TEXT), *rows])
    later = [edited(row, f"Later {n}", T1) for n, row in enumerate(rows)]
    await accept(opened.store, *map(accepted, later, rows))
    current = await opened.store.write(lambda tx: tx.current([r.key for r in rows]))
    assert current == {r.key: r for r in later}


async def test_a_package_that_is_not_here_has_no_scopes(store: Store) -> None:
    assert await store.package_scopes("no-such-package") is None


async def test_a_store_that_answers_answers(store: Store) -> None:
    await store.ping()


@pytest.mark.parametrize("changed", [{"text_version_id": OTHER_TEXT.id}, {"verse_id": "gen-1-99"}])
async def test_a_row_can_move_to_another_version_or_verse(
    opened: Opened, changed: dict[str, str]
) -> None:
    one = verse(1)
    await opened.seed([version_row(TEXT), version_row(OTHER_TEXT), one])
    moved = records.make(one, T1, {**one.values, **changed})
    await accept(opened.store, accepted(moved, one))
    assert await opened.store.write(lambda tx: tx.current([one.key])) == {one.key: moved}
    assert moved.scope is not None
    assert moved in (await drain(opened.store, moved.scope))[0]
