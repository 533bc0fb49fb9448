"""One session with the upstream: send what is pending, read the feed, write the log."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

from hotspot import faults
from hotspot.clock import Clock
from hotspot.errors import HotspotError
from hotspot.model import instants
from hotspot.model.box import BoxReport
from hotspot.model.sessions import SessionLog
from hotspot.model.stores import ReplicaStore
from hotspot.model.tables import Scope
from hotspot.syncing.approving import Approvals
from hotspot.syncing.fetching import Fetches
from hotspot.syncing.sending import Uploads
from hotspot.syncing.upstream import Upstream


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What one session did; `error` is why it ended early, as one sentence."""

    uploaded: int = 0
    downloaded: int = 0
    conflicts: int = 0
    requests: int = 0
    error: HotspotError | None = None
    changes: Counter[Scope] = field(default_factory=Counter)

    def summary(self) -> dict[str, int | str | None]:
        """The report as JSON values."""
        return {
            "uploaded": self.uploaded,
            "downloaded": self.downloaded,
            "conflicts": self.conflicts,
            "requests": self.requests,
            "error": str(self.error) if self.error else None,
        }


async def run_session(
    store: ReplicaStore, upstream: Upstream, clock: Clock, report: BoxReport | None = None
) -> SessionReport:
    """Uploads and fetches all there is. Ends with the log, also where the upstream failed.

    `report`: what the upstream is told of this hotspot.

    Each batch and each page is committed on its own, so a cut costs at most what was in flight.
    """
    started_ms, guessing = clock.monotonic(), not clock.trusted
    upstream = upstream.in_session(str(uuid4()), report)
    await store.recover()
    uploads, fetches = Uploads(store, upstream, clock), Fetches(store, upstream, clock)
    approvals = Approvals(store, upstream, clock, uploads)
    failure: HotspotError | None = None
    try:
        await uploads.run()
        await approvals.run()
        await fetches.run(uploads.written)
        if fetches.compared:
            await uploads.run()
        await upstream.greet()
    except HotspotError as error:
        failure = error
    if guessing and clock.trusted:
        await store.keep_time()
    changes = uploads.sent + fetches.received
    await store.log_session(
        SessionLog(
            started_at=instants.from_ms(clock.timeline.at(started_ms)),
            completed_at=clock.now(),
            changes=dict(changes),
            error=str(failure) if failure else None,
        )
    )
    faults.point("session.logged")
    return SessionReport(
        uploaded=uploads.sent.total(),
        downloaded=fetches.received.total(),
        conflicts=uploads.conflicts,
        requests=uploads.requests + approvals.requests + fetches.requests,
        error=failure,
        changes=changes,
    )
