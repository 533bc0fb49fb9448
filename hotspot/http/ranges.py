"""Byte ranges and entity tags, as RFC 9110 has them (sections 8.8.3, 13 and 14)."""

import re
from dataclasses import dataclass

_RANGE = re.compile("bytes=(.*)", re.IGNORECASE)
_SPEC = re.compile(r"([0-9]{1,20})-([0-9]{0,20})|-([0-9]{1,20})")
_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\uffff]*)"')


@dataclass(frozen=True, slots=True)
class Range:
    """`size` bytes from byte `offset` on; never empty."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """No byte of what was asked for exists: the answer is 416."""


def parse_range(header: str | None, size: int) -> Range | Unsatisfiable | None:
    """The part of `size` bytes that a Range header asks for.

    None stands for the whole: no header, one that is malformed or in another unit, and one that
    asks for several parts, which a server may answer whole.
    """
    asked = _RANGE.fullmatch(header or "")
    if asked is None:
        return None
    specs = [spec.strip(" \t") for spec in asked[1].split(",") if spec.strip(" \t")]
    if len(specs) != 1:
        return None
    spec = _SPEC.fullmatch(specs[0])
    if spec is None:
        return None
    first, last, suffix = spec.groups()
    if suffix is not None:
        return _suffix(int(suffix), size)
    return _from_to(int(first), int(last) if last else None, size)


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
