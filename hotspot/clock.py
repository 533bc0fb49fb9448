"""The node's one clock: the timeline of this boot over the machine's monotonic clock."""

import time
from collections.abc import Callable
from pathlib import Path

from hotspot.model import instants, timeline

BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
SYNCHRONIZED = (
    Path("/run/systemd/timesync/synchronized"),
    Path("/run/chrony/synchronized"),
)
BUILD_MS = instants.to_ms("2026-11-22T00:00:00.000Z")
"""The time is later than when this was written: the floor of a box that never knew the time."""


def monotonic_ms() -> int:
    """Milliseconds on the machine's boot clock, which goes on while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Clock:
    """Tells the time on a timeline that never goes back.

    `floor_ms`: the last time known to be past. `believed_ms`: the time by a clock that is known to
    be right, if there is one.
    """

    def __init__(
        self,
        floor_ms: int,
        believed_ms: int | None = None,
        monotonic: Callable[[], int] = monotonic_ms,
    ) -> None:
        self._monotonic = monotonic
        self.boot_id = BOOT_ID
        self._timeline = timeline.start(floor_ms, monotonic(), believed_ms)

    def now(self) -> str:
        """The time now, as an instant."""
        return self.read()[0]

    def read(self) -> tuple[str, int]:
        """The time now, and the monotonic milliseconds of the same moment."""
        mono = self._monotonic()
        return instants.from_ms(self._timeline.at(mono)), mono

    @property
    def timeline(self) -> timeline.Timeline:
        """The timeline as it stands, for pure functions."""
        return self._timeline

    @property
    def trusted(self) -> bool:
        """Whether this boot has learned the time from somebody who knows it."""
        return self._timeline.trusted

    def begin_after(self, floor_ms: int) -> None:
        """Moves the beginning of this boot to `floor_ms`, where that is known to be past."""
        if self._timeline.at(self._monotonic()) < floor_ms:
            self._timeline = timeline.start(floor_ms, self._monotonic())

    def learn(self, told: str) -> int:
        """Takes over the time from somebody who knows it.

        Returns how many milliseconds the timeline moved forward by it.
        """
        mono = self._monotonic()
        before = self._timeline
        self._timeline = timeline.learn(before, instants.to_ms(told), mono)
        return timeline.shift(before, self._timeline, mono)


def wall() -> Clock:
    """The clock of a machine whose own clock is kept right, as a server's is."""
    return Clock(0, time.time_ns() // 1_000_000)


def believed_ms() -> int | None:
    """What the machine's clock says, in milliseconds since 1970, if it is known to be right.

    It is once a time service has set it in this boot (systemd-timesyncd and chrony leave a mark).
    """
    if any(mark.exists() for mark in SYNCHRONIZED):
        return time.time_ns() // 1_000_000
    return None
