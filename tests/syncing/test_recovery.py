"""What one session leaves undone, the next one does; with servers of both kinds."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from hotspot.model import records
from hotspot.syncing import sending
from tests.contract.opened import T1, T2, edited, verse
from tests.syncing.conftest import Pair, after_power_cut
from tests.syncing.test_session import text

KEY = verse(1).key
LONG = "a text that is longer than this hotspot can take"


class Hold:
    """A request that arrives and is not looked at while the test goes on."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self._end = asyncio.Event()

    async def __call__(self) -> None:
        self.arrived.set()
        await self._end.wait()

    def release(self) -> None:
        self._end.set()


@pytest.fixture
def hold(pair: Pair) -> Iterator[Hold]:
    hold = Hold()
    yield hold
    hold.release()


def log_of(path: Path) -> list[tuple[object, ...]]:
    """The session log, without times."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT status, changes_count, error_message, completed_at IS NULL FROM sync_log"
            " ORDER BY id"
        ).fetchall()


async def aside(pair: Pair) -> Sequence[object]:
    return await pair.hub.set_aside_keys(10)


@pytest.fixture
async def stuck(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A hotspot that could not merge one of two records that changed."""
    await pair.synced()
    await pair.edit_server(edited(verse(1), LONG, T1), edited(verse(2), "there", T1))
    monkeypatch.setattr(records, "TEXT_LIMIT", 40)
    await pair.synced()
    assert text(await pair.at_hub(KEY)) == "In the beginning"
    assert text(await pair.at_hub(verse(2).key)) == "there"
    assert await aside(pair) == [KEY]
    return pair


async def test_what_still_cannot_be_merged_stays_aside_and_holds_nothing_back(stuck: Pair) -> None:
    await stuck.edit_server(edited(verse(3), "later", T1))
    report = await stuck.synced()
    assert (report.downloaded, await aside(stuck)) == (1, [KEY])


async def test_what_was_set_aside_is_merged_once_it_can_be(
    stuck: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert (await stuck.synced()).downloaded == 1
    assert text(await stuck.at_hub(KEY)) == LONG
    assert await aside(stuck) == []
    assert (await stuck.synced()).requests == 1


async def test_what_was_set_aside_comes_as_it_is_by_then(
    stuck: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that failed is not what counts any more."""
    await stuck.edit_server(edited(await stuck.at_server(KEY), "short now", T2))
    monkeypatch.undo()
    await stuck.synced()
    assert text(await stuck.at_hub(KEY)) == "short now"
    assert await aside(stuck) == []


async def test_an_edit_made_here_meanwhile_is_judged_against_it(
    stuck: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = "2026-11-22T10:00:09.000Z"
    await stuck.edit(edited(verse(1), "here", later))
    monkeypatch.undo()
    await stuck.synced()
    assert text(await stuck.at_server(KEY)) == text(await stuck.at_hub(KEY)) == "here"
    assert [text(loser.record) for loser in await stuck.server.losers()] == [LONG]
    assert await aside(stuck) == []


async def test_a_session_that_is_cut_off_is_closed_and_goes_on(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hold: Hold
) -> None:
    """The power fails while the third batch of five is on its way."""
    monkeypatch.setattr(sending, "BATCH", 1)
    monkeypatch.setattr(sending, "LANES", 1)
    await pair.synced()
    await pair.edit(*(edited(verse(n), f"edit {n}", T2) for n in range(1, 6)))
    pair.trouble.requests.clear()
    pair.trouble.ahead = [None, None, hold]
    session = asyncio.create_task(pair.sync())
    await hold.arrived.wait()
    assert log_of(tmp_path / "hub.db")[-1] == ("running", 0, None, 1)
    async with after_power_cut(pair, tmp_path):
        assert log_of(tmp_path / "cut.db")[-1] == ("failed", 0, "The session was cut off.", 0)
        assert len(await pair.hub.open_batches()) == 1
        report = await pair.synced()
        assert report.uploaded == 3
        assert log_of(tmp_path / "cut.db")[-1] == ("completed", 3, None, 0)
        for n in range(1, 6):
            assert text(await pair.at_server(verse(n).key)) == f"edit {n}"
        assert (await pair.server.losers(), await pair.pending()) == ([], [])
    session.cancel()
    await asyncio.gather(session, return_exceptions=True)


async def test_a_session_that_was_cancelled_is_closed_by_the_next(
    pair: Pair, tmp_path: Path, hold: Hold
) -> None:
    await pair.synced()
    await pair.edit(edited(verse(1), "here", T2))
    pair.trouble.ahead = [hold]
    session = asyncio.create_task(pair.sync())
    await hold.arrived.wait()
    session.cancel()
    await asyncio.gather(session, return_exceptions=True)
    assert log_of(tmp_path / "hub.db")[-1][0] == "running"
    await pair.synced()
    assert [row[:3] for row in log_of(tmp_path / "hub.db")][-2:] == [
        ("failed", 0, "The session was cut off."),
        ("completed", 1, None),
    ]


async def test_a_session_with_nothing_to_say_writes_no_log(pair: Pair, tmp_path: Path) -> None:
    await pair.synced()
    before = log_of(tmp_path / "hub.db")
    await pair.synced()
    assert log_of(tmp_path / "hub.db") == before
