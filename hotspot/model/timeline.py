"""Time where no clock can be believed: one timeline per node, and stamps put on it.

A timeline runs on monotonic time from an anchor. It is trusted once this boot has learned the time
from somebody who knows it.
"""

import msgspec

from hotspot.model import instants


class Timeline(msgspec.Struct, frozen=True):
    """`wall_ms` was the time (milliseconds since 1970) when the monotonic clock said `mono_ms`."""

    wall_ms: int
    mono_ms: int
    trusted: bool = False

    def at(self, mono_ms: int) -> int:
        """The time at `mono_ms`, in milliseconds since 1970."""
        return self.wall_ms + (mono_ms - self.mono_ms)


def start(floor_ms: int, mono_ms: int, believed_ms: int | None = None) -> Timeline:
    """The timeline of a boot that goes on from `floor_ms`, the last time that is known to be past.

    `believed_ms`: what a clock says that is known to be right (NTP, a server's own clock).
    """
    if believed_ms is not None and believed_ms >= floor_ms:
        return Timeline(believed_ms, mono_ms, trusted=True)
    return Timeline(floor_ms, mono_ms)


def learn(timeline: Timeline, told_ms: int, mono_ms: int) -> Timeline:
    """The timeline after somebody who knows the time has told it; it never goes back."""
    return Timeline(max(told_ms, timeline.at(mono_ms)), mono_ms, trusted=True)


def shift(before: Timeline, after: Timeline, mono_ms: int) -> int:
    """How many milliseconds later `after` puts the same moment than `before` did."""
    return after.at(mono_ms) - before.at(mono_ms)


def received(stamp: str, sender_now: str | None, now: str, *, synchronized: bool) -> str:
    """A sender's `stamp` on the receiver's clock.

    `sender_now`: what the sender's clock showed when it sent; an edit travels with its age, so a
    wrong clock cancels out. `synchronized`: the sender knows the time, its stamps stand.
    Without either, the stamp is taken as it is. What is still ahead is clamped to `now`.
    """
    if synchronized or sender_now is None:
        return min(stamp, now)
    age = max(instants.to_ms(sender_now) - instants.to_ms(stamp), 0)
    return instants.later(now, -age)


class Dating(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What can date an edit later, when the time is known: when it came, and how old it was then.

    `boot_id`, `mono_ms`: the boot and its monotonic clock at the moment of receipt.
    `sender_stamp`: the stamp on the sender's own clock.
    """

    boot_id: str
    mono_ms: int
    age_ms: int = 0
    sender_stamp: str | None = None


def dated(stamp: str, dating: Dating | None, timeline: Timeline, boot_id: str) -> str:
    """The stamp of an edit by what is known now; durations within one boot are exact."""
    if dating is None or dating.boot_id != boot_id:
        return stamp
    return instants.from_ms(timeline.at(dating.mono_ms) - dating.age_ms)
