"""One file that waits to be imported, or is being imported."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from hotspot.events import Bus, ImportProgress
from hotspot.importer.finding import printable
from hotspot.model.progress import Pace, Progress
from hotspot.model.queueing import Rank

REPORT_EVERY_S = 0.25


@dataclass(eq=False, slots=True)
class Job:
    """`id`: by which a person names it. `request`: who asked for it, if somebody did.

    `phase`: 'waiting', 'copying' or 'checking'.
    """

    id: int
    path: Path
    rank: Rank
    request: str
    bus: Bus
    phase: str = "waiting"
    progress: Progress | None = None
    cancelled: bool = False
    task: "asyncio.Task[object] | None" = None
    _pace: Pace | None = field(default=None, init=False)
    _told: float = field(default=0.0, init=False)

    @property
    def source(self) -> str:
        """The file's name, fit to be shown."""
        return printable(self.path.name)

    def copying(self, done: int, total: int) -> None:
        """So many bytes are there; tells the others now and then."""
        now = time.monotonic()
        if self._pace is None or self._pace.total != total:
            self._pace = Pace(total)
        self.phase, self.progress = "copying", self._pace.at(now, done)
        if done == total or now - self._told >= REPORT_EVERY_S:
            self._told = now
            self._tell()

    def checking(self) -> None:
        """All is copied, and is looked at now."""
        self.phase = "checking"
        self._tell()

    def _tell(self) -> None:
        at = self.progress or Progress(0, 0)
        self.bus.publish(
            ImportProgress(self.source, at.done, at.total, self.phase, at.rate, at.left_s, self.id)
        )
