"""Edits that came before a hotspot knew the time, on their way up."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotspot.model import instants
from hotspot.model.records import Record, make
from hotspot.model.stores import Accepted, Provenance
from hotspot.model.timeline import Dating
from tests.contract.opened import T1, edited, verse
from tests.syncing.conftest import HOUR, PHONE, ROWS, Pair, paired

YEAR = 365 * 24 * HOUR
ON_THE_WAY_MS = 60_000
"""No request of these tests takes longer."""


@pytest.fixture
async def lost(server_kind: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """A hotspot that is years behind, and a server that knows the time."""
    async with paired(server_kind, tmp_path, ROWS, ROWS, behind_ms=2 * YEAR) as pair:
        yield pair


@pytest.fixture
async def both_lost(server_kind: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """Neither of them knows the time, and their guesses are years apart."""
    async with paired(
        server_kind, tmp_path, ROWS, ROWS, behind_ms=2 * YEAR, server_knows=False
    ) as pair:
        yield pair


async def push(pair: Pair, row: Record, text: str, age_ms: int) -> Record:
    """An edit that a phone made some time ago and sends now; as it is current at the hotspot."""
    now, mono_ms = pair.clock.read()
    record = edited(row, text, instants.later(now, -age_ms))
    dating = Dating(boot_id=pair.clock.boot_id, mono_ms=mono_ms, age_ms=age_ms)
    edit = Accepted(record, row, Provenance(device_id=PHONE, dating=dating))
    await pair.hub.write(lambda tx: tx.accept([edit]))
    return record


def behind_ms(record: Record, now: str) -> int:
    return instants.to_ms(now) - instants.to_ms(record.updated_at)


async def test_an_edit_goes_up_with_the_time_at_which_it_was_made(lost: Pair) -> None:
    await push(lost, verse(1), "made a while ago", HOUR // 2)
    report = await lost.synced()
    assert report.uploaded == 1
    there = await lost.at_server(verse(1).key)
    assert there.values["verse_text"] == "made a while ago"
    assert abs(behind_ms(there, lost.clock.now()) - HOUR // 2) < ON_THE_WAY_MS
    assert not await lost.pending()


@pytest.mark.parametrize(("made_before_ms", "stands"), [(-HOUR, "here"), (HOUR, "there")])
async def test_a_hotspot_that_is_years_behind_wins_and_loses_by_the_truth(
    lost: Pair, made_before_ms: int, stands: str
) -> None:
    """The server's edit is three hours old; ours is an hour older, or an hour younger."""
    made_there = instants.later(lost.clock.now(), 2 * YEAR - 3 * HOUR)
    await lost.edit_server(make(verse(1), made_there, {**verse(1).values, "verse_text": "there"}))
    await push(lost, verse(1), "here", 3 * HOUR + made_before_ms)
    await lost.synced()
    assert (await lost.at_server(verse(1).key)).values["verse_text"] == stands
    assert (await lost.at_hub(verse(1).key)).values["verse_text"] == stands
    assert len(await lost.server.losers()) == 1


async def test_an_edit_of_an_earlier_boot_is_dated_before_it_goes_up(lost: Pair) -> None:
    """By its phone's clock it is an hour younger than the server's; nobody needs to be asked."""
    began_ms = instants.to_ms(lost.clock.now()) + 2 * YEAR - lost.clock.monotonic()
    theirs = instants.from_ms(began_ms - 2 * HOUR)
    await lost.edit_server(make(verse(1), theirs, {**verse(1).values, "verse_text": "there"}))
    known = (began_ms - 24 * HOUR,) * 2
    await lost.hub._execute("INSERT INTO boots VALUES ('earlier', ?, 0, 0, ?)", known)
    made = instants.from_ms(began_ms - HOUR)
    dating = Dating(boot_id="earlier", mono_ms=0, sender_stamp=made)
    edit = edited(verse(1), "here", lost.clock.now())
    here = Accepted(edit, verse(1), Provenance(device_id=PHONE, dating=dating))
    await lost.hub.write(lambda tx: tx.accept([here]))
    await lost.synced()
    there = await lost.at_server(verse(1).key)
    assert (there.values["verse_text"], there.updated_at) == ("here", made)


async def test_it_asks_for_the_time_only_where_something_waits(lost: Pair) -> None:
    await push(lost, verse(1), "waits", 0)
    await lost.synced()
    assert lost.trouble.requests[0] == "changes"
    assert lost.trouble.requests.count("upload") == 1
    assert lost.clock.trusted


async def test_a_server_that_guesses_teaches_nothing_and_ages_still_count(both_lost: Pair) -> None:
    await push(both_lost, verse(1), "made a while ago", HOUR // 2)
    await both_lost.synced()
    assert not both_lost.clock.trusted
    there = await both_lost.at_server(verse(1).key)
    servers_now = instants.later(both_lost.clock.now(), 2 * YEAR)
    assert abs(behind_ms(there, servers_now) - HOUR // 2) < ON_THE_WAY_MS


@pytest.mark.parametrize("trouble", ["lost", "refused"])
async def test_a_batch_by_an_old_guess_is_made_anew(both_lost: Pair, trouble: str) -> None:
    """It is cut off, then the time is learned: its stamps would be years off."""
    await push(both_lost, verse(1), "waits", HOUR // 2)
    both_lost.trouble.ahead = [None, trouble]
    assert (await both_lost.sync()).error is not None
    (batch,) = await both_lost.hub.open_batches()
    both_lost.clock.learn(instants.later(both_lost.clock.now(), 2 * YEAR))
    await both_lost.hub.keep_time()
    await both_lost.synced()
    assert [one.id for one in await both_lost.hub.open_batches()] == []
    here, there = await both_lost.at_hub(verse(1).key), await both_lost.at_server(verse(1).key)
    assert (here.version, here.values["verse_text"]) == (there.version, "waits")
    age_ms = behind_ms(there, both_lost.clock.now())
    assert abs(age_ms - HOUR // 2) < ON_THE_WAY_MS
    assert batch.guessed_in == both_lost.clock.boot_id
    assert not await both_lost.pending()


async def test_a_batch_of_a_boot_that_knew_the_time_is_sent_again_as_it_is(lost: Pair) -> None:
    await lost.synced()
    await lost.edit(edited(verse(1), "made at T1", T1))
    lost.trouble.ahead = ["refused"]
    assert (await lost.sync()).error is not None
    (batch,) = await lost.hub.open_batches()
    assert batch.guessed_in is None
    await lost.synced()
    assert (await lost.at_server(verse(1).key)).updated_at == T1
