"""The node's one clock: the timeline of this boot over the machine's monotonic clock."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from hotspot.model import instants, timeline
from hotspot.model.timeline import Timeline

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


def believed_ms() -> int | None:
    """What the machine's clock says, in milliseconds since 1970, if it is known to be right.

    It is once a time service has set it in this boot (systemd-timesyncd and chrony leave a mark).
    """
    if any(mark.exists() for mark in SYNCHRONIZED):
        return time.time_ns() // 1_000_000
    return None


class Clock:
    """Tells the time on a timeline that never goes back.

    `floor_ms`: the last time known to be past. `believed_ms`: the time by a clock that is known to
    be right, if there is one. `monotonic`, `boot_id`, `believed`: the machine's.
    """

    def __init__(
        self,
        floor_ms: int,
        believed_ms: int | None = None,
        monotonic: Callable[[], int] = monotonic_ms,
        boot_id: str = BOOT_ID,
        believed: Callable[[], int | None] = believed_ms,
    ) -> None:
        self.monotonic = monotonic
        self.boot_id = boot_id
        self._believed = believed
        self._timeline = timeline.start(floor_ms, monotonic(), believed_ms)

    def now(self) -> str:
        """The time now, as an instant."""
        return self.read()[0]

    def read(self) -> tuple[str, int]:
        """The time now, and the monotonic milliseconds of the same moment."""
        mono = self.monotonic()
        return instants.from_ms(self._timeline.at(mono)), mono

    @property
    def timeline(self) -> Timeline:
        """The timeline as it stands, for pure functions."""
        return self._timeline

    @property
    def trusted(self) -> bool:
        """Whether this boot has learned the time from somebody who knows it."""
        return self._timeline.trusted

    @property
    def guessing_in(self) -> str | None:
        """The boot whose guess the time is; None where the time is known.

        Stamps by one guess compare with each other, and with no others.
        """
        return None if self.trusted else self.boot_id

    def begin_after(self, floor_ms: int) -> None:
        """Moves the beginning of this boot to `floor_ms`, where that is known to be past."""
        if self._timeline.at(self.monotonic()) < floor_ms:
            self._timeline = timeline.start(floor_ms, self.monotonic())

    def resume(self, kept: Timeline) -> None:
        """Goes on with the timeline that an earlier process of this boot had."""
        if not self.trusted:
            self._timeline = kept
        elif kept.trusted:
            mono = self.monotonic()
            self._timeline = timeline.learn(self._timeline, kept.at(mono), mono)

    def learn(self, told: str, mono_ms: int | None = None) -> None:
        """Takes over the time from somebody who knows it.

        `mono_ms`: the monotonic time at which `told` was right, where that is not now.
        """
        told_at = self.monotonic() if mono_ms is None else mono_ms
        self._timeline = timeline.learn(self._timeline, instants.to_ms(told), told_at)

    async def ask_machine(self) -> bool:
        """Takes over the machine's time if that is known to be right; whether it did so."""
        if self.trusted:
            return False
        now_ms = await asyncio.to_thread(self._believed)
        if now_ms is None:
            return False
        self.learn(instants.from_ms(now_ms))
        return True


def wall() -> Clock:
    """The clock of a machine whose own clock is kept right, as a server's is."""
    return Clock(0, time.time_ns() // 1_000_000)
