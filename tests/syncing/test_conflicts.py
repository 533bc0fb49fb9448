"""What a person decides syncs onward, with servers of both kinds."""

from pathlib import Path

from hotspot.model.conflicts import Choice, KeptQuery, KeptVersion
from hotspot.model.stores import Loser
from tests.contract.opened import T1, T2, edited, verse
from tests.syncing.conftest import PHONE, Pair, after_power_cut
from tests.syncing.test_session import text

NEAR = "2026-11-22T10:00:01.900Z"
KEY = verse(1).key


async def waiting(pair: Pair) -> list[KeptVersion]:
    return list(await pair.hub.kept_versions(KeptQuery(waiting=True)))


async def disputed(pair: Pair) -> KeptVersion:
    """Two edits too close to tell: the server's stands on both sides."""
    await pair.synced()
    await pair.edit_server(edited(verse(1), "there", T1))
    await pair.edit(edited(verse(1), "here", NEAR))
    assert (await pair.synced()).conflicts == 1
    (conflict,) = await waiting(pair)
    return conflict


async def test_keeping_local_goes_up_and_beats_the_servers(pair: Pair) -> None:
    conflict = await disputed(pair)
    await pair.hub.keep(conflict.id, Choice.LOCAL)
    assert (await pair.synced()).conflicts == 0
    here, there = await pair.at_hub(KEY), await pair.at_server(KEY)
    assert (text(there), there.version) == ("here", here.version)
    assert (await waiting(pair), await pair.pending()) == ([], [])


async def test_keeping_the_servers_sends_nothing(pair: Pair) -> None:
    conflict = await disputed(pair)
    await pair.hub.keep(conflict.id, Choice.SERVER)
    assert (await pair.synced()).uploaded == 0
    assert text(await pair.at_hub(KEY)) == text(await pair.at_server(KEY)) == "there"
    health = await pair.hub.sync_health()
    assert (health["conflicts"], health["pending"]) == (0, 0)


async def test_a_conflict_closes_when_its_record_moves_on_there(pair: Pair) -> None:
    conflict = await disputed(pair)
    await pair.edit_server(edited(await pair.at_server(KEY), "then there", T2))
    await pair.synced()
    assert text(await pair.at_hub(KEY)) == "then there"
    assert await waiting(pair) == []
    assert (await pair.hub.kept_version(conflict.id)).local_record["verse_text"] == "here"
    assert (await pair.hub.sync_health())["conflicts"] == 0


async def test_a_choice_that_meets_another_edit_is_a_second_conflict(pair: Pair) -> None:
    """The person chose against a version that the server had left meanwhile."""
    first = await disputed(pair)
    await pair.hub.keep(first.id, Choice.LOCAL)
    chosen = await pair.at_hub(KEY)
    standing = await pair.at_server(KEY)
    await pair.edit_server(edited(standing, "meanwhile", chosen.updated_at))
    assert (await pair.synced()).conflicts == 1
    (second,) = await waiting(pair)
    assert second.server_record is not None
    assert second.local_record["verse_text"] == "here"
    assert second.server_record["verse_text"] == "meanwhile"
    await pair.hub.keep(second.id, Choice.LOCAL)
    await pair.synced()
    assert text(await pair.at_server(KEY)) == text(await pair.at_hub(KEY)) == "here"
    assert await waiting(pair) == []


async def test_a_loser_that_is_brought_back_goes_up(pair: Pair) -> None:
    await pair.synced()
    await pair.edit_server(edited(verse(1), "there", T2))
    await pair.edit(edited(verse(1), "here", T1))
    await pair.synced()
    assert await waiting(pair) == []
    lost = {
        one.local_record["verse_text"]: one.id
        for one in await pair.hub.kept_versions(KeptQuery(record_id=KEY.id))
    }
    await pair.hub.restore(lost["here"])
    await pair.synced()
    assert text(await pair.at_server(KEY)) == text(await pair.at_hub(KEY)) == "here"
    assert not await pair.pending()


async def test_a_choice_survives_a_crash_and_takes_effect_once(pair: Pair, tmp_path: Path) -> None:
    """The process dies with the batch on its way; the next one goes on with the same batch."""
    conflict = await disputed(pair)
    await pair.hub.keep(conflict.id, Choice.LOCAL)
    pair.trouble.ahead = ["lost"]
    assert (await pair.sync()).error is not None
    assert len(await pair.hub.open_batches()) == 1
    async with after_power_cut(pair, tmp_path):
        assert await waiting(pair) == []
        await pair.synced()
        assert text(await pair.at_server(KEY)) == "here"
        assert (await pair.at_server(KEY)).version == (await pair.at_hub(KEY)).version
        assert (await pair.pending(), await pair.hub.open_batches()) == ([], [])
        assert len(await pair.server.losers()) == 1


async def test_a_phones_conflict_here_is_decided_here_and_goes_up(pair: Pair) -> None:
    """Nobody edited the row here before; the choice is an edit of the server's version."""
    await pair.synced()
    lost = edited(verse(1), "from a phone", T1)
    loser = Loser(lost, verse(1).version, "manual", "Simultaneous edits detected.", PHONE)
    await pair.hub.write(lambda tx: tx.keep_losers([loser]))
    await pair.synced()
    (conflict,) = await waiting(pair)
    await pair.hub.keep(conflict.id, Choice.LOCAL)
    report = await pair.synced()
    assert (report.uploaded, report.conflicts) == (1, 0)
    assert text(await pair.at_server(KEY)) == "from a phone"
    assert await pair.server.losers() == []
