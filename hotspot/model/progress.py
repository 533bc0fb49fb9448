"""How far a copy is, how fast it goes, and how long it will take."""

from collections import deque

import msgspec

WINDOW_S = 10.0
"""The rate is that of the last seconds: sticks slow down when they are warm or their cache full."""
KNOWN_AFTER_S = 0.5
"""Before that, what was found copied already would count as speed."""


class Progress(msgspec.Struct, frozen=True):
    """`done` of `total` bytes; `rate` in bytes per second; `left_s`: seconds until the end.

    Both are None while they are not known.
    """

    done: int
    total: int
    rate: float | None = None
    left_s: float | None = None


class Pace:
    """Estimates from what it is told; `now` is any clock's seconds that only go forward."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, now: float, done: int) -> Progress:
        """The progress, with `done` bytes there at `now`."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()
        since, before = self._seen[0]
        took = now - since
        if took < KNOWN_AFTER_S or done <= before:
            return Progress(done, self.total)
        rate = (done - before) / took
        return Progress(done, self.total, rate, (self.total - done) / rate)


def in_words(progress: Progress) -> str:
    """For a person: '120 of 480 MB, 7.5 MB/s, 48 s left'."""
    words = f"{progress.done / 1e6:,.0f} of {progress.total / 1e6:,.0f} MB"
    if progress.rate is None or progress.left_s is None:
        return words
    return f"{words}, {progress.rate / 1e6:,.1f} MB/s, {_time(progress.left_s)} left"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
