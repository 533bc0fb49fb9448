"""Byte ranges and entity tags, as RFC 9110 has them (sections 8.8.3, 13 and 14)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 16
"""More parts than this are not sent apart, but the whole."""
APART = 100
"""What a part of its own costs in bytes, about."""

_RANGE = re.compile("bytes=(.*)", re.IGNORECASE)
_SPEC = re.compile(r"([0-9]{1,20})-([0-9]{0,20})|-([0-9]{1,20})")
_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\uffff]*)"')


@dataclass(frozen=True, slots=True)
class Range:
    """`size` bytes from byte `offset` on; never empty."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """No byte of what was asked for exists: the answer is 416."""


def parse_ranges(header: str | None, size: int) -> tuple[Range, ...] | Unsatisfiable | None:
    """The parts of `size` bytes that a Range header asks for, in its order; none overlap.

    Parts that touch, or lie closer together than it costs to send them apart, come as one. None
    stands for the whole: no header, one that is malformed or in another unit, and one that asks
    for more than MOST parts, all of which a server may answer whole.
    """
    asked = _RANGE.fullmatch(header or "")
    if asked is None:
        return None
    specs = [spec.strip(" \t") for spec in asked[1].split(",", 2 * MOST) if spec.strip(" \t")]
    if not 0 < len(specs) <= MOST:
        return None
    found = []
    for spec in specs:
        one = _parse(spec, size)
        if one is None:
            return None
        if isinstance(one, Range):
            found.append(one)
    return _coalesced(found) if found else Unsatisfiable()


def _parse(spec: str, size: int) -> Range | Unsatisfiable | None:
    parsed = _SPEC.fullmatch(spec)
    if parsed is None:
        return None
    first, last, suffix = parsed.groups()
    if suffix is not None:
        return _suffix(int(suffix), size)
    return _from_to(int(first), int(last) if last else None, size)


def _coalesced(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """Each stands where the first of those that it is made of stood."""
    groups: list[tuple[int, Range]] = []
    for place, one in sorted(enumerate(ranges), key=lambda item: item[1].offset):
        if groups and one.offset <= groups[-1][1].end + APART:
            first, before = groups.pop()
            end = max(before.end, one.end)
            groups.append((min(first, place), Range(before.offset, end - before.offset)))
        else:
            groups.append((place, one))
    return tuple(one for _, one in sorted(groups, key=lambda item: item[0]))


def _suffix(length: int, size: int) -> Range | Unsatisfiable | None:
    if length == 0:
        return Unsatisfiable()
    if size == 0:
        return None  # satisfiable, but no Content-Range can say so
    taken = min(length, size)
    return Range(size - taken, taken)


def _from_to(first: int, last: int | None, size: int) -> Range | Unsatisfiable | None:
    if last is not None and last < first:
        return None
    if first >= size:
        return Unsatisfiable()
    end = size if last is None else min(last + 1, size)
    return Range(first, end - first)


def if_range_matches(header: str | None, etag: str) -> bool:
    """Whether the range may be sent: there is no If-Range, or it names `etag` itself.

    A date never matches, as no Last-Modified is ever sent.
    """
    return header is None or header.strip() == etag


def etag_matches(header: str | None, etag: str, *, weak: bool) -> bool:
    """Whether the tags of an If-None-Match (`weak`) or If-Match (not `weak`) include `etag`.

    `etag` is a strong one, with its quotes.
    """
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(
        f'"{opaque}"' == etag and (weak or not prefix) for prefix, opaque in _ETAG.findall(header)
    )
