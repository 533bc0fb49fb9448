"""When to sync: as soon as the upstream is there, soon after a local edit, and now and then; after
a session that failed ever more seldom, until the network changes.

One session at a time. What must not be forgotten is in the store; this loop may die at any point.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from hotspot.clock import Clock
from hotspot.errors import TryLater, UpstreamUnreachable
from hotspot.events import (
    Bus,
    CatalogueChanged,
    Event,
    LocalEdit,
    NetworkChanged,
    Subscription,
    SyncFinished,
    SyncStarted,
    UplinkChanged,
)
from hotspot.model.box import BoxReport
from hotspot.model.pace import Pace
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


Reporter = Callable[[str | None], Awaitable[BoxReport]]
"""Makes what the upstream is told of this hotspot, given why the last session ended early."""


class Syncer:
    """Runs sessions with the upstream.

    `on_told`: is given each report that the upstream has got.
    """

    def __init__(
        self,
        store: ReplicaStore,
        upstream: Upstream,
        clock: Clock,
        bus: Bus,
        uplink: Reachability,
        report: Reporter | None = None,
        on_told: Callable[[BoxReport], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self._bus = bus
        self._uplink = uplink
        self._report = report
        self._on_told = on_told
        self._one_at_a_time = asyncio.Lock()
        self._pace = Pace()
        self.last: SessionReport | None = None

    @property
    def reachable(self) -> bool:
        """Whether the upstream answered when it was last asked."""
        return self._uplink.reachable

    @property
    def busy(self) -> bool:
        """Whether a session is under way."""
        return self._one_at_a_time.locked()

    @property
    def _last_error(self) -> str | None:
        return str(self.last.error) if self.last is not None and self.last.error else None

    async def sync(self) -> SessionReport:
        """Runs one session now; waits for the one under way first.

        Where the server has asked for patience, the report says so and nothing is sent.
        """
        async with self._one_at_a_time:
            wait_s = self._pace.wait_s(time.monotonic())
            if self._pace.asked and wait_s > 0:
                return SessionReport(error=_patience(wait_s))
            return await self._session()

    async def _session(self) -> SessionReport:
        self._bus.publish(SyncStarted())
        began = time.monotonic()
        told = await self._report(self._last_error) if self._report is not None else None
        report = await run_session(self._store, self._upstream, self._clock, told)
        if told is not None and self._on_told is not None and report.error is None:
            await self._on_told(told)
        ended = time.monotonic()
        self.last = report
        self._pace = self._pace.after(report.error, ended, random.random())
        sentence = _sentence(report, ended - began)
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
        with self._bus.listen(UplinkChanged, NetworkChanged, LocalEdit, CatalogueChanged) as events:
            while True:
                if self._uplink.reachable and not self._pace.wait_s(time.monotonic()):
                    await self.sync()
                await self._reason(events)

    async def _reason(self, events: Subscription) -> None:
        """Returns when a session may be due: something happened, or enough time has passed."""
        due_s = self._pace.wait_s(time.monotonic()) or EVERY_S * random.uniform(0.8, 1.2)
        with suppress(TimeoutError):
            async with asyncio.timeout(due_s):
                while not self._stirs(event := await events.next()):
                    continue
                if isinstance(event, LocalEdit | CatalogueChanged):
                    await asyncio.sleep(GATHER_S)
        for event in events.waiting():
            self._stirs(event)

    def _stirs(self, event: Event) -> bool:
        """Whether an event is a reason to sync; a change of networks is one after a failure."""
        if isinstance(event, NetworkChanged | UplinkChanged):
            had_failed, self._pace = self._pace.failures > 0, self._pace.cut_short()
            return had_failed or isinstance(event, UplinkChanged)
        return True


def _patience(wait_s: float) -> TryLater:
    return TryLater(f"The server asks for patience: it may be asked again in {wait_s:.0f} s.")


def _sentence(report: SessionReport, seconds: float) -> str:
    if report.error is not None:
        return f"Sync ended early: {report.error}"
    return (
        f"Synced with the server: {report.uploaded} sent, {report.downloaded} received, "
        f"{report.conflicts} not accepted, in {seconds:.2f} s."
    )
