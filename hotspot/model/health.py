"""When the state of syncing needs a person."""

from collections.abc import Iterable

import msgspec

MOST_PENDING_PACKAGES = 100
MOST_FAILED_SYNCS = 10
"""What is still well."""

FAILURES_COUNT_MS = 24 * 3_600_000
"""How long a failed session counts, so that an alert ends after its cause has ended."""


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that a person should look at. `code` names it, whatever its numbers are.

    `about`: the device that it is about, where it is about one of many.
    """

    code: str
    message: str
    about: str = ""


def alerts(pending_packages: int, failed_syncs: int) -> tuple[Alert, ...]:
    """What of this needs a person; nothing where all is well."""
    found = []
    if pending_packages > MOST_PENDING_PACKAGES:
        sentence = (
            f"{pending_packages} packages are not in step with the server: "
            "see whether the server is within reach, and load there what it does not know."
        )
        found.append(Alert("pending_packages", sentence))
    if failed_syncs > MOST_FAILED_SYNCS:
        sentence = (
            f"{failed_syncs} sessions with the server failed in one day: "
            "run 'hotspot sync' to see what stops them."
        )
        found.append(Alert("failed_syncs", sentence))
    return tuple(found)


class Ready(msgspec.Struct, frozen=True):
    """`GET /healthz`, from a server that can serve."""

    status: str = "ok"


class SyncHealth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET sync/health` of a hotspot. `average_sync_time`: seconds; None without any session."""

    packages: int
    pending: int
    pending_unknown: int
    conflicts: int
    pending_packages: int
    failed_syncs: int
    oldest_pending_sync: str | None
    average_sync_time: float | None
    conflict_rate: float
    alerts: list[Alert]
    server_timestamp: str


class FleetSyncHealth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET sync/health` of the server, over all hotspots. `alerts`: how many, by their codes."""

    pending_packages: int
    failed_syncs: int
    oldest_pending_sync: str | None
    average_sync_time: float | None
    conflict_rate: float
    horizon_age_seconds: float
    hotspots: int
    alerts: dict[str, int]


class AlertChange(msgspec.Struct, frozen=True):
    """What became different between two looks; an alert whose numbers moved is the same one."""

    begun: tuple[Alert, ...]
    ended: tuple[Alert, ...]


def compare(before: Iterable[Alert], after: Iterable[Alert]) -> AlertChange:
    """Which alerts began and which ended."""
    old = {(alert.code, alert.about): alert for alert in before}
    new = {(alert.code, alert.about): alert for alert in after}
    return AlertChange(
        begun=tuple(alert for named, alert in new.items() if named not in old),
        ended=tuple(alert for named, alert in old.items() if named not in new),
    )
