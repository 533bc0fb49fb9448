"""The hotspots of a server: what they say of themselves, and which of them need a person."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from hotspot.model import instants
from hotspot.model.box import BoxReport
from hotspot.model.downloads import DownloadCount, PackageDownloads
from hotspot.model.health import MOST_FAILED_SYNCS, Alert, alerts
from hotspot.model.stores import Device

SILENT_DAYS = 14
"""A village may be without an uplink for weeks; from then on somebody should ask."""
BEHIND_LIMIT = 10_000
LONGEST_TRANSACTION_S = 300.0
LEAST_FREE = 0.05
"""Of the card; below it packages soon find no room."""
_DAY_MS = 24 * 3_600_000


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer means for the device that asked.

    `positions`: the token up to which it has been served, by the id of the version.
    `in_step`: whether there was nothing left to serve.
    """

    positions: Mapping[str, str] = {}
    in_step: bool = False
    report: BoxReport | None = None


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What one request moved in a session; `ended`: it was the last of it that went well."""

    session_id: str
    package_id: str | None = None
    uploaded: int = 0
    downloaded: int = 0
    ended: bool = False


class Visits(Protocol):
    """Where a server keeps who came, and what their sessions moved."""

    def seen(self, device: Device, served: Served) -> None:
        """Remembers it, to be written with others soon: it may be lost with the process."""

    async def moved(self, device: Device, traffic: Traffic) -> None:
        """Counts it; the first change of a session opens it."""

    async def downloaded(self, device: Device, counts: Sequence[DownloadCount]) -> None:
        """Keeps how often packages were downloaded there."""


class Box(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One device as the server knows it.

    `behind`: changes that it has not been served (at most BEHIND_LIMIT are counted); None where
    that is not known, as of one that must start over. `failed`: sessions of the last day.
    """

    device_id: str
    name: str
    role: str
    seen_at: str | None
    in_step_at: str | None
    behind: int | None
    failed: int
    last_failure: str | None
    report: BoxReport | None
    reported_at: str | None


class FleetHealth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The sync health report over all hotspots; sessions are those of the last day.

    `pending_packages`: as the hotspots count them. `average_sync_time`: seconds; None without any.
    `conflict_rate`: versions that lost, per change that was uploaded.
    """

    pending_packages: int
    failed_syncs: int
    oldest_pending_sync: str | None
    average_sync_time: float | None
    conflict_rate: float
    horizon_age_seconds: float


class FleetReport(msgspec.Struct, frozen=True, rename="camel"):
    """All hotspots, and what of them and of the server needs a person."""

    health: FleetHealth
    hotspots: Sequence[Box]
    alerts: Sequence[Alert]
    downloads: Sequence[PackageDownloads] = ()
    database_bytes: int = 0


def fleet_alerts(health: FleetHealth, boxes: Sequence[Box], now: str) -> Sequence[Alert]:
    """Those of the specification, of the server, and of each hotspot."""
    found = list(alerts(health.pending_packages, health.failed_syncs))
    if health.horizon_age_seconds > LONGEST_TRANSACTION_S:
        sentence = (
            f"A transaction has been open for {health.horizon_age_seconds:.0f} s, and nobody is "
            "told of what was written since it began: see pg_stat_activity."
        )
        found.append(Alert("horizon", sentence))
    return [*found, *(alert for box in boxes for alert in box_alerts(box, now))]


def box_alerts(box: Box, now: str) -> Sequence[Alert]:
    """What of one hotspot needs a person; nothing where all is well, or it was never here."""
    if box.seen_at is None:
        return ()
    report = box.report or BoxReport(version="")
    silent_days = (instants.to_ms(now) - instants.to_ms(box.seen_at)) // _DAY_MS
    free, size = report.disk_free_bytes, report.disk_bytes
    why = report.last_error or box.last_failure or "it does not say why"
    named = f"{box.name} ({box.device_id})"
    found = {
        "silent": (
            silent_days >= SILENT_DAYS,
            f"{named} was not seen for {silent_days} days.",
        ),
        "failing": (
            max(box.failed, report.failed_syncs) > MOST_FAILED_SYNCS,
            f"{named} failed to sync more than {MOST_FAILED_SYNCS} times in a day: {why}",
        ),
        "disk": (
            free is not None and size is not None and free < LEAST_FREE * size,
            f"The card of {named} is almost full.",
        ),
        "undervoltage": (
            report.undervoltage is True,
            f"{named} gets too little power: use another supply.",
        ),
    }
    return [
        Alert(code, sentence, box.device_id) for code, (needed, sentence) in found.items() if needed
    ]
