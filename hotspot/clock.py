"""The node's one clock: the timeline of this boot over the machine's monotonic clock."""

import time
from collections.abc import Callable
from pathlib import Path

from hotspot.model import instants, timeline

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
        self.boot_id = BOOT_ID.read_text().strip()
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
