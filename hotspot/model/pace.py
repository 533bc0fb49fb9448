"""When the next session may begin: failures make it wait, a server may ask for it."""

import msgspec

from hotspot.errors import HotspotError, TryLater
from hotspot.model import backoff

PATIENCE_S = 3_600.0
"""What a server asks beyond this counts as this: a hotspot must not be silenced for good."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How sessions have gone lately.

    `failures`: sessions in a row that failed. `not_before_s`: the monotonic time, in seconds,
    before which none begins. `asked`: whether the server itself asked for that.
    """

    failures: int = 0
    not_before_s: float = 0.0
    asked: bool = False

    def after(self, error: HotspotError | None, now_s: float, chance: float) -> "Pace":
        """The pace after a session that ended now; `chance` (0 to 1) spreads the wait."""
        if error is None:
            return Pace()
        failures = self.failures + 1
        if isinstance(error, TryLater) and error.retry_after_s is not None:
            wait_s = min(max(error.retry_after_s, 0.0), PATIENCE_S)
            return Pace(failures=failures, not_before_s=now_s + wait_s, asked=True)
        wait_s = backoff.delay(failures, chance)
        return Pace(failures=failures, not_before_s=now_s + wait_s)

    def cut_short(self) -> "Pace":
        """The pace when the network has changed: what the server asks for still counts."""
        return self if self.asked else Pace()

    def wait_s(self, now_s: float) -> float:
        """For how many seconds no session may begin yet."""
        return max(self.not_before_s - now_s, 0.0)
