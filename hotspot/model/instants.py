"""Instants as UTC text `2026-11-22T10:15:30.123Z`.

Every instant in rows and messages has this one form: 24 characters, milliseconds, which is what
JavaScript keeps. In this form the order of the texts is the order of the instants.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CANONICAL = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|30)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII
)
_MILLISECOND = timedelta(milliseconds=1)
_END_MS = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND

FIRST = "1970-01-01T00:00:00.000Z"
REMEMBERED = 1024
"""Conversions kept: the rows of one import, or of one batch, share most of their stamps."""


def from_ms(ms: int) -> str:
    """The instant `ms` milliseconds after 1970 began; below 1970 counts as 1970."""
    moment = _EPOCH + timedelta(milliseconds=max(ms, 0))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@lru_cache(REMEMBERED)
def to_ms(instant: str) -> int:
    """Milliseconds since 1970 of an instant in canonical form."""
    return (datetime.fromisoformat(instant) - _EPOCH) // _MILLISECOND


@lru_cache(REMEMBERED)
def parse(text: str) -> str:
    """The canonical form of any ISO 8601 date-time; one without a zone is taken as UTC.

    Raises ValueError for what is not a date-time, or lies outside the years 1970 to 9998.
    """
    if _CANONICAL.fullmatch(text) and "1970" <= text[:4] < "9999" and _day_exists(text):
        return text
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    ms = (moment - _EPOCH) // _MILLISECOND
    if not 0 <= ms < _END_MS:
        raise ValueError(f"{text!r} lies outside the years that can be kept")
    return from_ms(ms)


def _day_exists(canonical: str) -> bool:
    """Days 1 to 28 exist in every month; the others, and day 0, are left to the full parser."""
    return "01" <= canonical[8:10] <= "28"


def later(instant: str, ms: int) -> str:
    """The instant `ms` milliseconds after `instant` (before it, if negative)."""
    return from_ms(to_ms(instant) + ms)
