"""How syncing goes, for those who watch hotspots: over HTTP, as metrics, and in the log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http.messages import answer
from hotspot.importer.importer import Importer
from hotspot.model import health, instants, prometheus
from hotspot.model.plan import ImportAction
from hotspot.model.prometheus import Metric, Sample
from hotspot.store.store import HotspotStore

log = logging.getLogger(__name__)

WATCH_EVERY_S = 60.0


class Reachability(Protocol):
    """Who knows whether the upstream can be reached."""

    @property
    def reachable(self) -> bool:
        """Whether it answered when it was last asked."""


class Monitor:
    """What is watched of one running hotspot.

    `uplink`: None where no upstream is set. `measure`: takes the measures that the store has not.
    """

    def __init__(
        self,
        store: HotspotStore,
        importer: Importer,
        clock: Clock,
        uplink: Reachability | None,
        measure: Callable[[], Awaitable[list[Metric]]],
    ) -> None:
        self._store = store
        self._importer = importer
        self._clock = clock
        self._uplink = uplink
        self._measure = measure
        self._alerts: tuple[health.Alert, ...] = ()

    @property
    def _follows(self) -> bool:
        return self._uplink is not None

    def routes(self) -> list[web.RouteDef]:
        """The routes to mount."""
        return [
            web.get("/functions/v1/sync/health", self.health),
            web.get("/metrics", self.metrics),
        ]

    async def health(self, request: web.Request) -> web.StreamResponse:
        """The report, and what of it needs a person. Needs no token."""
        report = await self._store.sync_health()
        told = {
            **report,
            "alerts": alerts_json(report, follows=self._follows),
            "serverTimestamp": self._clock.now(),
        }
        return await answer(request, msgspec.convert(told, health.SyncHealth))

    async def metrics(self, _request: web.Request) -> web.Response:
        """The metrics in Prometheus' text format. Needs no token."""
        report = await self._store.sync_health()
        wanted = len(await self._store.wanted_audio())
        page = prometheus.exposition(
            [
                *sync_metrics(report, self._clock.now()),
                *self._machine_metrics(wanted),
                *await self._measure(),
            ]
        )
        return web.Response(body=page.encode(), headers={"Content-Type": prometheus.CONTENT_TYPE})

    def _machine_metrics(self, wanted: int) -> list[Metric]:
        reachable = () if self._uplink is None else (Sample(self._uplink.reachable),)
        counted = self._importer.outcomes
        outcomes = tuple(Sample(counted[one], {"outcome": one.value}) for one in ImportAction)
        return [
            _gauge("wanted_audio", "Audio files that are to come from the server.", wanted),
            Metric(
                "hotspot_upstream_reachable",
                "gauge",
                "1 if the server answered when it was last asked.",
                reachable,
            ),
            Metric(
                "hotspot_imports_total", "counter", "Package files met since the start.", outcomes
            ),
        ]

    async def watch(self) -> None:
        """Looks again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(WATCH_EVERY_S)

    async def look(self) -> None:
        """Logs what began and what ended since the last look."""
        found = alerts_of(await self._store.sync_health(), follows=self._follows)
        change = health.compare(self._alerts, found)
        self._alerts = found
        for alert in change.begun:
            log.warning("%s", alert.message)
        for alert in change.ended:
            log.info("This is over: %s", alert.message)


def alerts_of(report: dict[str, Any], *, follows: bool) -> tuple[health.Alert, ...]:
    """What of the store's report needs a person.

    `follows`: whether an upstream is set; without one nothing waits, whatever the counts are.
    """
    return health.alerts(report["pendingPackages"], report["failedSyncs"]) if follows else ()


def alerts_json(report: dict[str, Any], *, follows: bool) -> list[dict[str, str]]:
    """The same as JSON values."""
    return [msgspec.to_builtins(alert) for alert in alerts_of(report, follows=follows)]


def sync_metrics(report: dict[str, Any], now: str) -> list[Metric]:
    """The store's report as metrics; the oldest edit that waits is 0 seconds old if none does."""
    oldest, average = report["oldestPendingSync"], report["averageSyncTime"]
    age_ms = 0 if oldest is None else max(instants.to_ms(now) - instants.to_ms(oldest), 0)
    return [
        _gauge("packages", "Packages in the catalogue.", report["packages"]),
        _gauge(
            "pending_packages", "Packages not in step with the server.", report["pendingPackages"]
        ),
        _gauge("pending_edits", "Edits that wait for the server.", report["pending"]),
        _gauge("conflicts", "Conflicts that wait for a person.", report["conflicts"]),
        _gauge("conflict_ratio", "Conflicts per record edited here.", report["conflictRate"]),
        _gauge("failed_syncs", "Sessions that failed in the last day.", report["failedSyncs"]),
        _gauge("oldest_pending_age_seconds", "Age of the oldest edit that waits.", age_ms / 1_000),
        _gauge("sync_seconds_average", "Average time of a session that went well.", average),
    ]


def _gauge(name: str, described: str, value: float | None) -> Metric:
    samples = () if value is None else (Sample(value),)
    return Metric(f"hotspot_{name}", "gauge", described, samples)
