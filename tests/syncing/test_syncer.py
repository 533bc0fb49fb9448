"""What makes a session begin, and what makes it wait."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotspot.errors import TryLater
from hotspot.events import Bus, LocalEdit, NetworkChanged, Subscription, SyncFinished, UplinkChanged
from hotspot.model import backoff
from hotspot.syncing import syncer as syncing
from hotspot.syncing.syncer import Syncer
from tests.contract.opened import T2, edited, verse
from tests.syncing.conftest import ROWS, Pair, paired

DEADLINE_S = 20.0


@dataclass
class Reach:
    """Whether the server can be reached; the test decides. `failures`: how often it was doubted."""

    reachable: bool = True
    failures: int = 0

    def failed(self) -> None:
        self.failures += 1


@dataclass
class Running:
    """A syncer at work, and what it tells."""

    pair: Pair
    syncer: Syncer
    bus: Bus
    reach: Reach
    finished: Subscription

    async def session(self) -> bool:
        """Waits for the end of the next session: whether it went well."""
        async with asyncio.timeout(DEADLINE_S):
            event = await self.finished.next()
        assert isinstance(event, SyncFinished)
        return event.success

    @property
    def requests(self) -> int:
        return len(self.pair.trouble.requests)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with paired("sqlite", tmp_path, ROWS, ROWS) as pair:
        yield pair


@asynccontextmanager
async def running(pair: Pair, *, reachable: bool = True) -> AsyncIterator[Running]:
    bus, reach = Bus(), Reach(reachable)
    syncer = Syncer(pair.hub, pair.upstream, pair.clock, bus, reach)
    with bus.listen(SyncFinished) as finished:
        task = asyncio.create_task(syncer.run())
        try:
            await asyncio.sleep(0)
            yield Running(pair, syncer, bus, reach, finished)
        finally:
            task.cancel()
            await asyncio.wait([task])


def asks_for_patience(seconds: float) -> Callable[[], Awaitable[None]]:
    async def answer() -> None:
        raise TryLater("Too much to do.", seconds)

    return answer


async def test_a_session_begins_when_the_server_comes_within_reach(pair: Pair) -> None:
    async with running(pair, reachable=False) as run:
        assert run.requests == 0
        run.reach.reachable = True
        run.bus.publish(UplinkChanged(reachable=True))
        assert await run.session()


async def test_an_edit_goes_up_without_being_asked_for(pair: Pair) -> None:
    async with running(pair) as run:
        assert await run.session()
        await pair.edit(edited(verse(1), "corrected", T2))
        run.bus.publish(LocalEdit())
        assert await run.session()
    assert (await pair.at_server(verse(1).key)).values["verse_text"] == "corrected"


async def test_many_edits_are_one_session(pair: Pair) -> None:
    async with running(pair) as run:
        assert await run.session()
        before = run.requests
        for _ in range(50):
            run.bus.publish(LocalEdit())
        assert await run.session()
        assert run.requests == before + 1
        assert run.finished.waiting() == []


async def test_a_session_comes_also_when_nothing_happens(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "EVERY_S", 0.01)
    async with running(pair) as run:
        for _ in range(3):
            assert await run.session()


async def test_sessions_that_fail_are_tried_again_for_as_long_as_it_takes(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.001)
    pair.trouble.ahead = [503, "refused", 429, "refused"]
    async with running(pair) as run:
        assert [await run.session() for _ in range(5)] == [False, False, False, False, True]
        assert run.reach.failures == 2


async def test_a_change_of_the_network_cuts_the_wait_after_a_failure_short(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 1_000.0)
    pair.trouble.ahead = ["refused"]
    async with running(pair) as run:
        assert not await run.session()
        run.bus.publish(NetworkChanged())
        assert await run.session()


async def test_a_change_of_the_network_alone_is_no_reason_to_sync(pair: Pair) -> None:
    async with running(pair) as run:
        assert await run.session()
        before = run.requests
        for _ in range(5):
            run.bus.publish(NetworkChanged())
        run.bus.publish(LocalEdit())
        assert await run.session()
        assert (run.requests, run.finished.waiting()) == (before + 1, [])


async def test_a_server_that_asks_for_patience_is_left_alone_whatever_happens(pair: Pair) -> None:
    pair.trouble.ahead = [asks_for_patience(3_000)]
    async with running(pair) as run:
        assert not await run.session()
        before = run.requests
        for event in (NetworkChanged(), UplinkChanged(reachable=True), LocalEdit()):
            run.bus.publish(event)
        report = await run.syncer.sync()
        assert isinstance(report.error, TryLater)
        await asyncio.sleep(2 * syncing.GATHER_S)
        assert run.requests == before


async def test_a_session_comes_by_itself_when_the_patience_is_over(pair: Pair) -> None:
    pair.trouble.ahead = [asks_for_patience(1)]
    async with running(pair) as run:
        began = time.monotonic()
        assert not await run.session()
        assert await run.session()
        assert time.monotonic() - began >= 1.0


async def test_there_is_one_session_at_a_time(pair: Pair) -> None:
    under_way = most = 0

    async def slowly() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1

    pair.trouble.ahead = [slowly] * 4
    async with running(pair) as run:
        reports = await asyncio.gather(*(run.syncer.sync() for _ in range(3)))
    assert all(report.error is None for report in reports)
    assert most == 1
