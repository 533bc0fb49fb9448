"""The server's pages for those who watch it: health as JSON, metrics for Prometheus.

They need no token, so they name hotspots by their ids only; `hotspot upstream status` has the rest.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import web
from asyncpg import Pool

from hotspot.http.messages import answer
from hotspot.http.traffic import TRAFFIC
from hotspot.model import instants, prometheus
from hotspot.model.box import BoxReport
from hotspot.model.fleet import Box, FleetReport
from hotspot.model.health import FleetSyncHealth
from hotspot.model.prometheus import Metric, Sample
from hotspot.upstream.database import away_is_try_later
from hotspot.upstream.watching import fleet_report


def routes(pool: Pool) -> list[web.RouteDef]:
    """The routes to mount."""

    async def report() -> FleetReport:
        with away_is_try_later():
            async with pool.acquire() as connection:
                return await fleet_report(connection)

    async def health(request: web.Request) -> web.StreamResponse:
        found = await report()
        told = FleetSyncHealth(
            **msgspec.structs.asdict(found.health),
            hotspots=len(found.hotspots),
            alerts=dict(Counter(alert.code for alert in found.alerts)),
        )
        return await answer(request, told)

    async def metrics(request: web.Request) -> web.Response:
        traffic = request.app.get(TRAFFIC)
        answers = traffic.metrics() if traffic is not None else []
        page = prometheus.exposition([*fleet_metrics(await report()), *answers])
        return web.Response(body=page.encode(), headers={"Content-Type": prometheus.CONTENT_TYPE})

    return [web.get("/functions/v1/sync/health", health), web.get("/metrics", metrics)]


def fleet_metrics(report: FleetReport) -> list[Metric]:
    """The report as metrics; what a hotspot does not say of itself has no sample."""
    health, boxes = report.health, report.hotspots
    codes = Counter(alert.code for alert in report.alerts)
    totals = {
        "hotspots": ("Hotspots that may sync.", len(boxes)),
        "pending_packages": ("Packages not in step, over all.", health.pending_packages),
        "failed_syncs": ("Sessions that failed in the last day.", health.failed_syncs),
        "conflict_ratio": ("Versions that lost, per change of a day.", health.conflict_rate),
        "sync_seconds_average": ("Time of a session that ended well.", health.average_sync_time),
        "horizon_age_seconds": ("Age of the oldest open writer.", health.horizon_age_seconds),
        "database_bytes": ("Size of the database.", report.database_bytes),
    }
    alerts = [Sample(count, {"code": code}) for code, count in codes.items()]
    downloads = [Sample(one.count, {"package": one.package_id}) for one in report.downloads]
    return [
        *(_gauge(name, text, [_sample(value)]) for name, (text, value) in totals.items()),
        _gauge("alerts", "What needs a person.", alerts),
        _gauge("downloads", "Downloads at all hotspots, of the days that are kept.", downloads),
        *(
            _gauge(f"hotspot_{name}", text, [_sample(of(box), box) for box in boxes])
            for name, (text, of) in _OF_BOXES.items()
        ),
        *(
            _gauge(
                f"hotspot_{name}",
                text,
                [_sample(of(box.report), box) for box in boxes if box.report is not None],
            )
            for name, (text, of) in _OF_REPORTS.items()
        ),
    ]


_OF_BOXES: dict[str, tuple[str, Callable[[Box], float | None]]] = {
    "seen_seconds": ("When it was seen last, since 1970.", lambda box: _seconds(box.seen_at)),
    "in_step_seconds": ("When it had everything.", lambda box: _seconds(box.in_step_at)),
    "behind_changes": ("Changes that it does not have yet.", lambda box: box.behind),
    "failed_syncs": ("Its sessions that failed in the last day.", lambda box: box.failed),
}
_OF_REPORTS: dict[str, tuple[str, Callable[[BoxReport], float | None]]] = {
    "pending_edits": ("Edits that wait there.", lambda told: told.pending),
    "conflicts": ("Conflicts that wait there.", lambda told: told.conflicts),
    "disk_free_bytes": ("Room on its card.", lambda told: told.disk_free_bytes),
    "undervoltage": ("1 if it gets too little power.", lambda told: told.undervoltage),
}


def _gauge(name: str, text: str, samples: Iterable[Sample | None]) -> Metric:
    known = tuple(sample for sample in samples if sample is not None)
    return Metric(f"hotspot_upstream_{name}", "gauge", text, known)


def _sample(value: float | None, box: Box | None = None) -> Sample | None:
    if value is None:
        return None
    return Sample(value) if box is None else Sample(value, {"device": box.device_id})


def _seconds(instant: str | None) -> float | None:
    return None if instant is None else instants.to_ms(instant) / 1_000
