"""How long nobody can pair after wrong codes: each few of them cost a longer pause.

It is counted on the monotonic clock. In a later boot what was left of a pause begins anew with the
boot, which is where that clock begins.
"""

import msgspec

TRIES = 5
"""Wrong codes between two pauses."""
PAUSE_MS = 60_000
LONGEST_MS = 10 * 60_000


class Guesses(msgspec.Struct, frozen=True):
    """Wrong codes since one was right, and the boot and the time of the last."""

    wrong: int
    boot_id: str
    mono_ms: int


def one_more(guesses: Guesses | None, boot_id: str, mono_ms: int) -> Guesses:
    """The guesses with a wrong one made now."""
    return Guesses((guesses.wrong if guesses else 0) + 1, boot_id, mono_ms)


def pause_ms(guesses: Guesses | None, boot_id: str, mono_ms: int) -> int:
    """For how many milliseconds from now no code is looked at."""
    if guesses is None or guesses.wrong % TRIES:
        return 0
    whole = min(PAUSE_MS << min(guesses.wrong // TRIES - 1, 10), LONGEST_MS)
    since = guesses.mono_ms if guesses.boot_id == boot_id else 0
    return max(since + whole - mono_ms, 0)
