"""When to sync: as soon as the upstream is there, soon after a local edit or a session that failed,
and now and then.

One session at a time. What must not be forgotten is in the store; this loop may die at any point.
"""

import asyncio
import logging
import random
import time
from contextlib import suppress
from typing import Protocol

from hotspot.clock import Clock
from hotspot.errors import UpstreamUnreachable
from hotspot.events import Bus, CatalogueChanged, Event, LocalEdit, SyncFinished, UplinkChanged
from hotspot.model import backoff
from hotspot.model.stores import ReplicaStore
from hotspot.syncing.session import SessionReport, run_session
from hotspot.syncing.upstream import Upstream

log = logging.getLogger(__name__)

EVERY_S = 60.0
GATHER_S = 0.25
"""Edits come in bursts; a session waits this long, so that one batch takes the whole burst."""


class Reachability(Protocol):
    """Who knows whether the upstream can be reached."""

    @property
    def reachable(self) -> bool:
        """Whether it answered when it was last asked."""

    def failed(self) -> None:
        """Is told that a request got no answer."""


class Syncer:
    """Runs sessions with the upstream."""

    def __init__(
        self,
        store: ReplicaStore,
        upstream: Upstream,
        clock: Clock,
        bus: Bus,
        uplink: Reachability,
    ) -> None:
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self._bus = bus
        self._uplink = uplink
        self._one_at_a_time = asyncio.Lock()
        self.last: SessionReport | None = None

    @property
    def reachable(self) -> bool:
        """Whether the upstream answered when it was last asked."""
        return self._uplink.reachable

    async def sync(self) -> SessionReport:
        """Runs one session now; waits for the one under way first."""
        async with self._one_at_a_time:
            began = time.monotonic()
            report = await run_session(self._store, self._upstream, self._clock)
            self.last = report
            sentence = _sentence(report, time.monotonic() - began)
            if report.error is not None or report.uploaded or report.downloaded:
                log.info("%s", sentence)
            if isinstance(report.error, UpstreamUnreachable):
                self._uplink.failed()
            self._bus.publish(
                SyncFinished(report.error is None, report.uploaded, report.downloaded, sentence)
            )
            return report

    async def run(self) -> None:
        """Waits for reasons to sync, until cancelled."""
        failures = 0
        with self._bus.listen(UplinkChanged, LocalEdit, CatalogueChanged) as events:
            while True:
                failed = self._uplink.reachable and (await self.sync()).error is not None
                failures = failures + 1 if failed else 0
                await _wait(events.queue, _pause(failures))
                await asyncio.sleep(GATHER_S)
                while not events.queue.empty():
                    events.queue.get_nowait()


async def _wait(queue: asyncio.Queue[Event], seconds: float) -> None:
    """Returns at the next reason to sync, or when nothing happened for so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await queue.get()


def _pause(failures: int) -> float:
    """How long to wait for a reason to sync, in seconds, after so many failures in a row.

    A server that was away for a moment only is never seen to come back.
    """
    usual = EVERY_S * random.uniform(0.8, 1.2)
    return min(usual, backoff.delay(failures, random.random())) if failures else usual


def _sentence(report: SessionReport, seconds: float) -> str:
    if report.error is not None:
        return f"Sync ended early: {report.error}"
    return (
        f"Synced with the server: {report.uploaded} sent, {report.downloaded} received, "
        f"{report.conflicts} not accepted, in {seconds:.2f} s."
    )
