"""What a server has answered since it started, in numbers: nothing of who asked, or for what."""

from collections import Counter, defaultdict
from collections.abc import Mapping

import msgspec

from hotspot.model.prometheus import Metric, Sample

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
OTHER = "other"
"""What stands for methods and addresses that are not ours: their names are strangers' own."""


class Answered(msgspec.Struct, frozen=True):
    """One answer. `shape`: the route's path, with the names of what stands in it for the values.

    `sent`: bytes; `ms`: milliseconds from the request's head to the answer's end.
    """

    method: str
    shape: str
    status: int
    sent: int
    ms: float

    def line(self) -> str:
        """The answer as the log has it."""
        return f"{self.method} {self.shape} {self.status} {self.sent} B {self.ms:.1f} ms"


def answered(method: str, shape: str | None, status: int, sent: int, seconds: float) -> Answered:
    """An answer as it may be told. `shape`: None for an address that there is not."""
    known = method if method in METHODS else OTHER
    return Answered(known, shape or OTHER, status, sent, seconds * 1_000)


class Traffic:
    """Counts answers. What it holds is bounded by the routes and the statuses that there are."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._sent: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, one: Answered) -> None:
        """Counts one answer."""
        self._answers[one.method, one.shape, one.status] += 1
        self._sent[one.shape] += one.sent
        self._seconds[one.shape] += one.ms / 1_000

    def metrics(self) -> list[Metric]:
        """All that was counted."""
        answers = tuple(
            Sample(count, {"method": method, "route": shape, "status": str(status)})
            for (method, shape, status), count in sorted(self._answers.items())
        )
        return [
            _counter("requests_total", "Requests that were answered.", answers),
            _counter("sent_bytes_total", "Bytes of answers.", _by_route(self._sent)),
            _counter("answering_seconds_total", "Time until answers.", _by_route(self._seconds)),
        ]


def _by_route(counted: Mapping[str, float]) -> tuple[Sample, ...]:
    return tuple(Sample(value, {"route": shape}) for shape, value in sorted(counted.items()))


def _counter(name: str, described: str, samples: tuple[Sample, ...]) -> Metric:
    return Metric(f"hotspot_http_{name}", "counter", described, samples)
