"""Digests: finding what differs between two copies of a version without sending either.

Every row has a number, its row hash. A digest of a range of ids is the count of its rows and the
sum of their numbers. Ranges whose digests differ are divided and asked for again, down to ranges
so small that their rows are listed.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import accumulate, pairwise
from uuid import UUID

import msgspec

from hotspot.model.tables import Scope

PARTS = 16
LISTED = 16
"""A range that differs is divided into so many parts, and listed where it has so few rows."""
FEW = 64
"""A version of so few rows is read whole where it differs: that takes fewer requests."""
MOST_LISTED = 20_000
"""Rows that are listed at most before a version is read whole."""

_MODULUS = 2**64
_FIRST_ID = "00000000-0000-0000-0000-000000000000"
_PAST_ALL = 2**128
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def row_hash(record_id: str, updated_at: str, content_hash: str) -> int:
    """The number of one row, the same from Python, SQLite and PostgreSQL.

    The first 8 bytes of the SHA-256 of the UTF-8 text `<id>~<updated_at>~<content_hash>`, read as
    a signed big-endian integer: what a column of 64 bits can hold.
    """
    digest = sha256(f"{record_id}~{updated_at}~{content_hash}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def fingerprint(total: int) -> str:
    """A row hash, or a sum of them, as messages have it: 16 hex digits, modulo 2**64.

    It tells copies apart that differ by chance; it is no defence against rows made to add up.
    """
    return f"{total % _MODULUS:016x}"


class Range(msgspec.Struct, frozen=True, array_like=True):
    """The ids from `start` up to `end`, which is not in it; "": from the first, to the last.

    Both are beginnings of ids: the missing digits count as zeros.
    """

    start: str = ""
    end: str = ""

    @property
    def bounds(self) -> tuple[str, str]:
        """The first and the last id that can lie in it. Raises ValueError where none can."""
        first = _padded(self.start)
        after = UUID(_padded(self.end)).int if self.end else _PAST_ALL
        if UUID(first).int >= after:
            raise ValueError("A range ends before it starts.")
        return first, str(UUID(int=after - 1))


WHOLE = Range()


def _padded(beginning: str) -> str:
    whole = beginning + _FIRST_ID[len(beginning) :]
    if not _UUID.fullmatch(whole):
        raise ValueError(f"{beginning[:80]!r} is not the beginning of a record id.")
    return whole


def check_ranges(ranges: Sequence[Range]) -> None:
    """Raises ValueError unless these are ranges in order, none of which overlaps another.

    So the work of summing them is bounded by the rows that there are.
    """
    bounds = [one.bounds for one in ranges]
    for before, after in pairwise(bounds):
        if after[0] <= before[1]:
            raise ValueError("The ranges of a version must be in order and apart.")


class Sum(msgspec.Struct, frozen=True, array_like=True):
    """The digest of a range: how many rows it has, and the fingerprint of all their hashes."""

    count: int
    fingerprint: str


class ScopeDigest(msgspec.Struct, frozen=True):
    """The digest of each range asked for, and the position that belongs to it.

    Whatever changed after they were taken comes in the feed after `token`; None for a version that
    is not known here.
    """

    scope: Scope
    token: str | None
    sums: Sequence[Sum]


class RowVersion(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One listed row; `hash` is the fingerprint of its row hash."""

    table: str
    id: str
    hash: str


class Index:
    """Every row of one copy of a version, in the order of ids, as it was at one moment."""

    def __init__(self, rows: Iterable[RowVersion]) -> None:
        self._rows = sorted(rows, key=lambda row: row.id)
        self._ids = [row.id for row in self._rows]
        self._sums = list(accumulate((int(row.hash, 16) for row in self._rows), initial=0))

    def sum(self, ids: Range) -> Sum:
        """The digest of a range."""
        low, high = self._span(ids)
        return Sum(high - low, fingerprint(self._sums[high] - self._sums[low]))

    def rows(self, ids: Range) -> Sequence[RowVersion]:
        """The rows of a range."""
        low, high = self._span(ids)
        return self._rows[low:high]

    def divide(self, ids: Range) -> list[Range]:
        """At most PARTS ranges of about as many rows each, none with fewer than LISTED / 4.

        They cover `ids`; it is the only one where its rows cannot be told apart.
        """
        low, high = self._span(ids)
        parts = min(PARTS, max(2, 4 * (high - low) // LISTED))
        places = {low + (high - low) * part // parts for part in range(1, parts)} - {low, high}
        cuts = [
            _shortest(self._ids[at - 1], self._ids[at])
            for at in sorted(places)
            if self._ids[at - 1] != self._ids[at]
        ]
        starts, ends = [ids.start, *cuts], [*cuts, ids.end]
        return [Range(start, end) for start, end in zip(starts, ends, strict=True)]

    def _span(self, ids: Range) -> tuple[int, int]:
        low = bisect_left(self._ids, ids.start)
        return low, bisect_left(self._ids, ids.end) if ids.end else len(self._ids)


def _shortest(before: str, after: str) -> str:
    """The shortest beginning of `after` that sorts behind `before`, which is another id."""
    same = next(place for place, digit in enumerate(after) if digit != before[place])
    return after[: same + 1]


class Step(msgspec.Struct, frozen=True):
    """What to ask for next: digests of `sums`, and the rows of `lists`; these are `listed` rows."""

    sums: Sequence[Range]
    lists: Sequence[Range]
    listed: int


def next_step(ours: Index, ranges: Sequence[Range], theirs: Sequence[Sum]) -> Step:
    """What to ask for after `ranges` were answered by `theirs`; nothing where all are equal."""
    sums: list[Range] = []
    lists: list[Range] = []
    listed = 0
    for ids, other in zip(ranges, theirs, strict=True):
        own = ours.sum(ids)
        if own == other:
            continue
        rows = max(own.count, other.count)
        parts = ours.divide(ids) if rows > LISTED else [ids]
        if len(parts) > 1:
            sums += parts
        else:
            lists.append(ids)
            listed += rows
    return Step(sums, lists, listed)


def too_different(listed: int, rows: int) -> bool:
    """Whether reading all `rows` costs less than finding those that differ, of `listed` so far."""
    return rows <= FEW or 2 * listed > rows or listed > MOST_LISTED


def differing(
    ours: Iterable[RowVersion], theirs: Iterable[RowVersion]
) -> tuple[list[RowVersion], list[RowVersion]]:
    """Between two lists of the same ranges: the rows of theirs that are not ours to the letter,
    and those of ours that they lack.
    """
    own = {(row.table, row.id): row for row in ours}
    other = {(row.table, row.id): row for row in theirs}
    changed = [row for key, row in other.items() if own.get(key) != row]
    return changed, [row for key, row in own.items() if key not in other]
