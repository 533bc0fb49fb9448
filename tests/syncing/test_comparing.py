"""The first session with a version: digests find what differs, and only that travels."""

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from msgspec.structs import replace

from hotspot.errors import UpstreamUnreachable
from hotspot.model import records
from hotspot.model.digest import WHOLE
from hotspot.model.merge import Mark, Outcome
from hotspot.model.records import Record, Value
from hotspot.model.tables import VERSE_TEXTS
from hotspot.syncing import comparing
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import (
    AUTHOR,
    OTHER_TEXT,
    T0,
    T1,
    T2,
    TEXT,
    edited,
    verse,
    version_row,
)
from tests.store.support import bring, package, staging
from tests.support.requirements import needs
from tests.syncing.conftest import Pair, paired

BIBLE = 31_102
SOME = 400


def line(number: int) -> Record:
    """A verse as packages have them: its id is like a random one."""
    fields: dict[str, Value] = {
        "verse_id": f"gen-{number // 900}-{number % 900}",
        "text_version_id": TEXT.id,
        "verse_text": f"And it came to pass in the days of verse {number}, {number * 7919 % 10007}",
        "created_at": T0,
        "updated_by": AUTHOR,
    }
    return records.build(VERSE_TEXTS, str(uuid5(UUID(int=1), str(number))), fields, T0)


def text(length: int) -> list[Record]:
    return [version_row(TEXT), *(line(number) for number in range(length))]


@pytest.fixture
async def some(server_kind: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """Server and hotspot with the same text of SOME verses, which have never talked."""
    async with paired(server_kind, tmp_path, text(SOME), text(SOME)) as pair:
        yield pair


async def compared(pair: Pair) -> None:
    """Checks that the hotspot has what the server has, and follows its feed."""
    ours = await pair.hub.list_versions(TEXT, [WHOLE])
    theirs = await pair.server.store.list_versions(TEXT, [WHOLE])
    assert set(ours) == set(theirs)
    (position,) = await pair.hub.positions()
    assert position.token is not None
    assert not position.comparing
    assert not await pair.pending()
    report = await pair.synced()
    assert (report.requests, report.downloaded, report.uploaded) == (1, 0, 0)


async def synced_here(pair: Pair, *rows: Record) -> None:
    """Edits made here that the upstream has judged, and has lost since."""
    await pair.edit(*rows)
    outcomes = [Outcome(table=r.table, id=r.id, record=r, mark=Mark.SYNCED) for r in rows]
    await pair.hub.write_replica(lambda tx: tx.settle(outcomes, T2))
    assert not await pair.pending()


async def test_identical_bibles_are_compared_in_few_bytes(server_kind: str, tmp_path: Path) -> None:
    bible = await asyncio.to_thread(text, BIBLE)
    async with paired(server_kind, tmp_path, bible, bible) as pair:
        report = await pair.synced()
        assert (report.downloaded, report.uploaded) == (0, 0)
        assert pair.trouble.requests == ["digest", "changes"]
        assert report.requests == 2 <= 4
        assert pair.trouble.traffic <= 4_000
        await compared(pair)


async def test_a_hundred_scattered_differences_are_settled_in_few_bytes(
    server_kind: str, tmp_path: Path
) -> None:
    """Later and earlier rows, deletions, rows that only the server has, and edits it has lost."""
    chance = random.Random(31_102)
    bible = await asyncio.to_thread(text, BIBLE)
    number = iter(chance.sample(range(BIBLE), 90))
    theirs = {row.id: row for row in bible}
    for _ in range(60):
        row = line(next(number))
        theirs[row.id] = edited(row, f"Corrected there: {row.id}", T1)
    for _ in range(10):
        row = line(next(number))
        theirs[row.id] = records.make(row, T1, {**row.values, "deleted_at": T1})
    for new in range(10):
        row = line(BIBLE + new)
        theirs[row.id] = row
    mine = [edited(line(next(number)), f"Corrected here {n}", T2) for n in range(20)]
    async with paired(server_kind, tmp_path, bible, list(theirs.values())) as pair:
        await synced_here(pair, *mine)
        report = await pair.synced()
        assert (report.downloaded, report.uploaded, report.conflicts) == (100, 20, 0)
        assert pair.trouble.traffic <= 128_000
        assert {(await pair.at_server(row.key)).values["verse_text"] for row in mine} == {
            row.values["verse_text"] for row in mine
        }
        await compared(pair)


async def test_equal_stamps_with_different_content_are_seen(
    server_kind: str, tmp_path: Path
) -> None:
    theirs = text(SOME)
    theirs[7] = edited(theirs[7], "Of the same moment", T0)
    async with paired(server_kind, tmp_path, text(SOME), theirs) as pair:
        assert (await pair.synced()).downloaded == 1
        assert (await pair.at_hub(theirs[7].key)).version == theirs[7].version
        await compared(pair)


async def test_different_stamps_with_equal_content_are_settled(
    server_kind: str, tmp_path: Path
) -> None:
    theirs = text(SOME)
    theirs[7] = theirs[7].stamped(T1)
    async with paired(server_kind, tmp_path, text(SOME), theirs) as pair:
        await pair.synced()
        assert (await pair.at_hub(theirs[7].key)).updated_at == T1
        await compared(pair)


async def test_a_comparison_that_is_cut_off_goes_on(
    some: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session is cut one answer later than the one before; nothing comes twice."""
    monkeypatch.setattr(comparing, "RECORDS", 5)
    await some.edit_server(*(edited(line(n), f"there {n}", T1) for n in range(0, SOME, 20)))
    downloaded, cuts = 0, 0
    for answers in count():
        some.trouble.ahead = [*[None] * answers, "lost"]
        report = await some.sync()
        downloaded += report.downloaded
        if report.error is None:
            break
        assert isinstance(report.error, UpstreamUnreachable)
        cuts += 1
    assert cuts > 4
    assert downloaded == SOME / 20
    some.trouble.ahead.clear()
    await compared(some)


@pytest.mark.parametrize("request_number", range(6))
async def test_what_changes_meanwhile_is_not_lost(some: Pair, request_number: int) -> None:
    """Rows that were seen to be equal before, that differed before, and new ones."""
    await some.edit_server(*(edited(line(n), f"there {n}", T1) for n in range(0, SOME, 20)))

    async def meanwhile() -> None:
        rows = [await some.at_server(line(n).key) for n in (1, 20, 133, SOME - 1)]
        changed = [edited(row, f"meanwhile {row.id}", T2) for row in rows]
        await some.edit_server(*changed, line(SOME + request_number))

    some.trouble.ahead = [*[None] * request_number, meanwhile]
    await some.synced()
    assert not some.trouble.ahead
    await some.synced()
    await compared(some)


async def test_what_is_edited_here_meanwhile_goes_up(some: Pair) -> None:
    await some.edit_server(*(edited(line(n), f"there {n}", T1) for n in range(0, SOME, 20)))
    mine = [edited(line(n), f"here {n}", T2) for n in (1, 20)]

    async def meanwhile() -> None:
        await some.edit(*mine)

    some.trouble.ahead = [None, meanwhile]
    await some.synced()
    assert [(await some.at_server(row.key)).values for row in mine] == [row.values for row in mine]
    await compared(some)


async def test_edits_that_the_server_has_lost_go_up_again(some: Pair) -> None:
    """New verses too; what only a package brought does not, and nor does what lost there."""
    mine = [edited(line(1), "here", T2), line(SOME + 1)]
    await synced_here(some, *mine, edited(line(2), "here, but earlier", T0))
    await bring(some.hub, line(SOME + 2))
    await some.edit_server(edited(line(2), "there, and later", T1))
    report = await some.synced()
    assert report.uploaded == 2
    for row in mine:
        assert (await some.at_server(row.key)).values == row.values
    assert (await some.at_hub(line(2).key)).values["verse_text"] == "there, and later"
    theirs = await some.server.store.list_versions(TEXT, [WHOLE])
    assert line(SOME + 2).id not in {row.id for row in theirs}
    assert not await some.pending()


async def test_what_plain_sql_deleted_there_is_deleted_here(tmp_path: Path) -> None:
    needs("postgres")
    async with paired("postgres", tmp_path, text(SOME), text(SOME)) as pair:
        assert isinstance(pair.server.store, PostgresStore)
        async with pair.server.store._connection() as connection:
            await connection.execute("DELETE FROM verse_texts WHERE id = $1", line(7).id)
        assert (await pair.synced()).downloaded == 1
        assert (await pair.at_hub(line(7).key)).deleted


async def test_after_a_new_epoch_digests_are_compared(some: Pair) -> None:
    await some.synced()
    await synced_here(some, edited(line(1), "here", T2))
    (position,) = await some.hub.positions()
    lost = [replace(position, token="a token of another life")]
    await some.hub.write_replica(lambda tx: tx.set_positions(lost))
    some.trouble.requests.clear()
    report = await some.synced()
    assert (report.downloaded, report.uploaded) == (1, 1)
    assert some.trouble.requests[:2] == ["changes", "digest"]
    await compared(some)


async def newer_package(pair: Pair, tmp_path: Path, *rows: Record) -> None:
    """A stick with a later version of the package comes."""
    staged = await asyncio.to_thread(staging, tmp_path / "newer.db", rows)
    await pair.hub.publish(package(version="2.0"), staged, T1)


async def test_a_later_package_is_compared_again(some: Pair, tmp_path: Path) -> None:
    """It replaced what the feed had brought, and will not bring again."""
    await some.synced()
    await some.edit_server(edited(line(2), "there", T1))
    await some.synced()
    await newer_package(some, tmp_path, edited(line(2), "on the stick", T2))
    report = await some.synced()
    assert (report.downloaded, report.uploaded) == (1, 0)
    assert (await some.at_hub(line(2).key)).values["verse_text"] == "there"
    await compared(some)


async def test_a_package_that_brings_nothing_new_costs_nothing(some: Pair, tmp_path: Path) -> None:
    await some.synced()
    await newer_package(some, tmp_path, *text(SOME))
    assert (await some.synced()).requests == 1


async def test_what_a_stick_put_over_an_edit_does_not_go_up(some: Pair, tmp_path: Path) -> None:
    await some.edit(edited(line(2), "typed here", T1))
    await some.synced()
    await newer_package(some, tmp_path, edited(line(2), "on the stick", T2))
    assert (await some.synced()).uploaded == 0
    assert (await some.at_server(line(2).key)).values["verse_text"] == "typed here"
    await compared(some)


@pytest.mark.parametrize("answers", range(4))
async def test_a_package_that_comes_meanwhile_is_compared_too(
    some: Pair, tmp_path: Path, answers: int
) -> None:
    await some.edit_server(*(edited(line(n), f"there {n}", T1) for n in range(0, SOME, 20)))

    async def meanwhile() -> None:
        await newer_package(some, tmp_path, edited(line(2), "on the stick", T2))

    some.trouble.ahead = [*[None] * answers, meanwhile]
    await some.synced()
    await some.synced()
    assert (await some.at_hub(line(2).key)).version == line(2).version
    await compared(some)


async def test_where_most_differs_the_feed_is_read(server_kind: str, tmp_path: Path) -> None:
    theirs = [edited(row, "Another edition", T1) for row in text(SOME)[1:]]
    async with paired(server_kind, tmp_path, text(SOME), [version_row(TEXT), *theirs]) as pair:
        report = await pair.synced()
        assert report.downloaded == SOME
        assert set(pair.trouble.requests[-1:]) == {"changes"}
        assert pair.trouble.requests.count("digest") <= 3
        await compared(pair)


async def test_a_version_of_few_rows_is_read_whole(pair: Pair) -> None:
    await pair.edit_server(edited(verse(2), "there", T1))
    await pair.synced()
    assert pair.trouble.requests == ["digest", "changes"]
    await compared(pair)


async def test_a_server_without_digests_is_read_from_its_start(
    some: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some.edit_server(edited(line(2), "there", T1))
    some.trouble.ahead = [404]
    assert (await some.synced()).downloaded == 1
    assert some.trouble.requests == ["digest", "changes"]
    await compared(some)


@pytest.mark.parametrize("missing", [set(), {"digest"}])
async def test_where_the_feed_is_read_new_verses_that_the_server_has_lost_go_up_again(
    pair: Pair, missing: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version of few rows, and a server without digests: the feed does not say what is not
    there.
    """
    monkeypatch.setattr(comparing, "RECORDS", 2)
    pair.trouble.missing = missing
    mine = [verse(number, f"verse {number}", T1) for number in range(10, 15)]
    await synced_here(pair, *mine)
    await bring(pair.hub, verse(20))
    assert (await pair.synced()).uploaded == len(mine)
    for row in mine:
        assert (await pair.at_server(row.key)).values == row.values
    theirs = await pair.server.store.list_versions(TEXT, [WHOLE])
    assert verse(20).id not in {row.id for row in theirs}
    assert not await pair.pending()


async def test_a_version_that_the_server_gets_later_is_compared_then(
    some: Pair, tmp_path: Path
) -> None:
    """Until then it costs no request of its own."""
    other = [version_row(OTHER_TEXT), *(verse(n, scope=OTHER_TEXT) for n in range(SOME))]
    staged = await asyncio.to_thread(staging, tmp_path / "other.db", other)
    await some.hub.publish(package("other", text=OTHER_TEXT.id), staged, T0)
    await some.synced()
    assert (await some.synced()).requests == 1
    changed = edited(other[9], "there", T1)
    await some.server.seed([*other[:9], changed, *other[10:]])
    some.trouble.traffic = 0
    report = await some.synced()
    assert report.downloaded == 1
    assert some.trouble.traffic < 8_000
    assert (await some.at_hub(changed.key)).version == changed.version
    assert (await some.synced()).requests == 1
