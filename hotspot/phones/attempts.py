"""How often each address may try something."""

from collections import deque

_MOST_ADDRESSES = 1_000


class Attempts:
    """Lets each address try `limit` times in any `window_ms` milliseconds.

    Kept in memory alone, and for a bounded number of addresses: those that were quiet longest are
    forgotten first.
    """

    def __init__(self, limit: int, window_ms: int) -> None:
        self._limit = limit
        self._window_ms = window_ms
        self._tried: dict[str, deque[int]] = {}

    def take(self, address: str, mono_ms: int) -> bool:
        """Counts a try at `mono_ms` (monotonic), and says whether it may be made."""
        times = self._tried.pop(address, deque[int]())
        self._tried[address] = times  # now the last in the dictionary's order
        if len(self._tried) > _MOST_ADDRESSES:
            self._tried.pop(next(iter(self._tried)))
        while times and times[0] <= mono_ms - self._window_ms:
            times.popleft()
        if len(times) >= self._limit:
            return False
        times.append(mono_ms)
        return True

    def forget(self, address: str) -> None:
        """The tries of `address` came to a good end, and count no longer."""
        self._tried.pop(address, None)
