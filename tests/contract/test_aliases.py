"""Natural keys and aliases in any store: one live row per key, whoever came first."""

import asyncio

import pytest

from hotspot.model import records
from hotspot.model.aliases import Alias, NaturalKey, natural_key, renamed
from hotspot.model.records import Key, Record
from hotspot.model.stores import FeedQuery, RecordStore, RecordTransaction
from hotspot.model.tables import BY_NAME
from tests.contract.opened import (
    AUDIO,
    OTHER_TEXT,
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

ROW = verse(1)


def twin(number: int, row: Record = ROW, updated_at: str = T1) -> Record:
    """The same verse, made elsewhere."""
    return renamed(edited(row, f"Twin {number}", updated_at), uuid(number + (7 << 32)))


def deleted(row: Record, at: str = T1) -> Record:
    return records.make(row, at, {**row.values, "deleted_at": at})


def key_of(row: Record) -> NaturalKey:
    key = natural_key(row)
    assert key is not None
    return key


async def name(store: RecordStore, *pairs: tuple[Record, Record]) -> None:
    """Makes the first id of each pair an alias of the second."""
    aliases = [Alias(one.table, one.id, other.id) for one, other in pairs]
    await store.write(lambda tx: tx.add_aliases(aliases))


async def names(store: RecordStore, *rows: Record) -> dict[Key, Key]:
    return await store.write(lambda tx: tx.canonical([row.key for row in rows]))


async def held(store: RecordStore, *rows: Record) -> dict[NaturalKey, Record]:
    wanted = [key_of(row) for row in rows]
    return await store.write(lambda tx: tx.holders(wanted))


async def test_live_rows_hold_their_natural_keys(opened: Opened) -> None:
    rows = [ROW, verse(1, scope=OTHER_TEXT), timing(1, 0.5)]
    gone, missing = deleted(verse(2)), verse(3)
    await opened.seed([version_row(TEXT), *rows, gone])
    found = await held(opened.store, *rows, gone, missing)
    assert found == {key_of(row): row for row in rows}
    assert await opened.store.write(lambda tx: tx.holders([])) == {}


async def test_a_key_that_is_let_go_can_be_taken_in_the_same_transaction(opened: Opened) -> None:
    await opened.seed([version_row(TEXT), ROW])
    one, two = twin(1), twin(2, updated_at=T2)
    await accept(opened.store, accepted(one), accepted(deleted(ROW), ROW))
    assert await held(opened.store, ROW) == {key_of(ROW): one}
    await accept(opened.store, accepted(two), accepted(deleted(one, T2), one))
    assert await held(opened.store, ROW) == {key_of(ROW): two}

    async def swap(tx: RecordTransaction) -> None:
        rows = await tx.current([one.key, two.key])
        back = records.make(one, T2, {**one.values, "deleted_at": None})
        await tx.accept([accepted(back, rows[one.key]), accepted(deleted(two, T2), rows[two.key])])

    await opened.store.write(swap)
    assert [row.id for row in (await held(opened.store, ROW)).values()] == [one.id]


async def test_writers_of_one_natural_key_see_each_other(opened: Opened) -> None:
    """Twenty places add the same verse under ids of their own: one row, and nothing unseen."""
    await opened.seed([version_row(TEXT)])

    async def add(number: int) -> None:
        async def work(tx: RecordTransaction) -> None:
            new = twin(number)
            await tx.current([new.key])
            holder = (await tx.holders([key_of(new)])).get(key_of(new))
            if holder is None:
                await tx.accept([accepted(new)])
                return
            version = holder.values["version"]
            assert isinstance(version, int)
            counted = records.make(holder, T2, {**holder.values, "version": version + 1})
            await tx.accept([accepted(counted, holder)])
            await tx.add_aliases([Alias(new.table, new.id, holder.id)])

        await opened.store.write(work)

    await asyncio.gather(*(add(number) for number in range(20)))
    twins = [twin(number) for number in range(20)]
    (row,) = (await held(opened.store, ROW)).values()
    assert row.values["version"] == 20
    assert len(await opened.store.write(lambda tx: tx.current([one.key for one in twins]))) == 1
    others = {one.key: row.key for one in twins if one.id != row.id}
    assert await names(opened.store, *twins) == others


async def test_an_alias_leads_to_the_end(store: Store) -> None:
    a, b, c, d = (twin(number) for number in range(4))
    await name(store, (a, b))
    await name(store, (b, c), (c, d))
    assert await names(store, a, b, c, d) == {one.key: d.key for one in (a, b, c)}
    await name(store, (d, a))
    assert await names(store, a, b, c, d) == {one.key: a.key for one in (b, c, d)}
    await name(store, (d, a))
    assert len(await names(store, a, b, c, d)) == 3


async def test_ids_are_aliases_in_their_own_table_only(store: Store) -> None:
    await name(store, (twin(1), ROW))
    other = Key("media_files_verses", twin(1).id)
    assert await store.write(lambda tx: tx.canonical([other, media_file(1).key])) == {}


async def test_what_refers_to_an_alias_refers_to_what_it_names(opened: Opened) -> None:
    refers = records.make(timing(1, 0.5), T1, {**timing(1, 0.5).values, "verse_text_id": uuid(5)})
    to_twin = records.make(refers, T1, {**refers.values, "verse_text_id": twin(1).id})
    other = renamed(
        records.make(refers, T1, {**refers.values, "verse_id": "gen-1-9"}), timing(9, 0).id
    )
    await opened.seed([version_row(AUDIO), to_twin, other])
    _, token = await drain(opened.store, AUDIO)
    await name(opened.store, (twin(1), ROW))
    expected = records.make(refers, T1, {**refers.values, "verse_text_id": ROW.id})
    assert (await drain(opened.store, AUDIO, token))[0] == [expected]
    current = await opened.store.write(lambda tx: tx.current([to_twin.key, other.key]))
    assert current == {to_twin.key: expected, other.key: other}
    assert expected.hash == records.content_hash(BY_NAME[expected.table], expected.values)


@pytest.mark.parametrize("by_id", [True, False])
async def test_the_feed_tells_what_a_deleted_id_names(opened: Opened, by_id: bool) -> None:
    gone, other = deleted(twin(1)), deleted(verse(2))
    await opened.seed([version_row(TEXT), ROW, gone, other])
    await name(opened.store, (gone, ROW))
    if by_id:
        asked = FeedQuery(scopes=[(TEXT, None)], limit=9, record_ids=[ROW.id, gone.id, other.id])
        page = await opened.store.read_changes(asked)
    else:
        page = await read(opened.store, (TEXT, None))
    assert {row.key for row in page.records} >= {ROW.key, gone.key, other.key}
    assert page.aliases == {gone.key: ROW.key}


async def test_aliases_are_rolled_back_with_the_rest(opened: Opened) -> None:
    async def work(tx: RecordTransaction) -> None:
        await tx.add_aliases([Alias(ROW.table, twin(1).id, ROW.id)])
        raise LookupError

    with pytest.raises(LookupError):
        await opened.store.write(work)
    assert await names(opened.store, twin(1)) == {}
