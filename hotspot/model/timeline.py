"""Time where no clock can be believed: one timeline per node, and stamps put on it.

A timeline runs on monotonic time from an anchor. It is trusted once this boot has learned the time
from somebody who knows it.
"""

import msgspec

from hotspot.model import instants

UNDATED_MS = 2**53 - 1
"""The doubt about a stamp that says nothing at all."""
ROUGH_MS = 600_000
"""The doubt about a stamp for which only a plausible clock of its sender speaks."""
AHEAD_MS = 1_000
"""Two clocks that are right may differ by this: a stamp as far ahead is no cause for a note."""


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


class Received(msgspec.Struct, frozen=True, gc=False):
    """A stamp on the receiver's clock. `clamped`: it was ahead of the time, and was set to now."""

    stamp: str
    clamped: bool = False


def received(stamp: str, sender_now: str | None, now: str, *, synchronized: bool) -> Received:
    """A sender's `stamp` on the receiver's clock.

    `sender_now`: what the sender's clock showed when it sent; an edit travels with its age, so a
    wrong clock cancels out. `synchronized`: sender and receiver know the time, the stamp stands.
    Without either, the stamp is taken as it is.
    """
    reference = now if synchronized or sender_now is None else sender_now
    age_ms = instants.to_ms(reference) - instants.to_ms(stamp)
    if reference == now and age_ms >= 0:
        return Received(stamp)
    return Received(instants.later(now, -max(age_ms, 0)), clamped=age_ms < -AHEAD_MS)


class Dating(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What can date an edit later, when the time is known: when it came, and how old it was then.

    `boot_id`, `mono_ms`: the boot and its monotonic clock at the moment of receipt.
    `age_ms`: None where the sender did not say what its clock showed.
    `sender_stamp`: the stamp on the sender's own clock.
    """

    boot_id: str
    mono_ms: int
    age_ms: int | None = 0
    sender_stamp: str | None = None


class Boot(msgspec.Struct, frozen=True, gc=False):
    """What is known of one boot.

    `after_ms`: the last time that was known before it began. `zero_ms`: the time at which its
    monotonic clock was 0; None where it never learned the time.
    """

    after_ms: int
    zero_ms: int | None = None


class Dated(msgspec.Struct, frozen=True, gc=False):
    """The stamp of an edit by what is known now, and how far it may be off.

    `stamp`: None where nothing dates the edit; then `doubt_ms` is UNDATED_MS.
    """

    stamp: str | None
    doubt_ms: int = 0


NOTHING_DATES_IT = Dated(None, UNDATED_MS)


def date(dating: Dating, boot: Boot | None, began_ms: int) -> Dated:
    """Dates an edit in a boot that knows the time and began at `began_ms`.

    `boot`: the one in which the edit was received; None where nothing is known of it. Durations
    within one boot are exact. An edit of a boot that never knew the time has its sender's clock
    alone, which counts where it showed nothing that cannot have been.
    """
    if boot is None:
        return NOTHING_DATES_IT
    if boot.zero_ms is not None and dating.age_ms is not None:
        return Dated(instants.from_ms(boot.zero_ms + dating.mono_ms - dating.age_ms))
    if dating.sender_stamp is None:
        return NOTHING_DATES_IT
    stamp_ms = instants.to_ms(dating.sender_stamp)
    sent_ms = stamp_ms + (dating.age_ms or 0)
    latest_ms = began_ms if boot.zero_ms is None else boot.zero_ms + dating.mono_ms
    if boot.after_ms <= stamp_ms and sent_ms <= latest_ms:
        return Dated(dating.sender_stamp, ROUGH_MS)
    return NOTHING_DATES_IT
