"""How often packages are downloaded: counted by package and day, told upwards, added up there."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

import msgspec

KEPT_DAYS = 400
TOLD_AT_ONCE = 200
"""Counts in one report; the others come with the next session."""
_ID_LIMIT = 200
_MOST = 2**31 - 1


class DownloadCount(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", order=True, gc=False
):
    """How often one package went out to its end on one day (UTC), by the clock of who counted."""

    day: str
    package_id: str
    count: int


class PackageDownloads(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Downloads of one package at all hotspots together, of the days that are kept."""

    package_id: str
    count: int
    last_30_days: int
    hotspots: int


class DownloadLog(Protocol):
    """Where a hotspot keeps its counts."""

    async def add_downloads(self, counts: Iterable[DownloadCount]) -> None:
        """Adds each to what is kept of its day."""

    async def downloads(self, limit: int) -> Sequence[DownloadCount]:
        """What is kept, the newest days first."""

    async def downloads_to_tell(self) -> tuple[DownloadCount, ...]:
        """Whole counts of days of which more is known than was told; the oldest days first."""

    async def downloads_told(self, counts: Iterable[DownloadCount]) -> None:
        """These were told: they are not told again until they have grown."""


def believable(counts: Iterable[DownloadCount]) -> list[DownloadCount]:
    """What a server takes of what a hotspot tells: each day of a package once, in order."""
    found: dict[tuple[str, str], DownloadCount] = {}
    for one in counts:
        before = found.get((one.day, one.package_id))
        if _is_sound(one) and (before is None or before.count < one.count):
            found[one.day, one.package_id] = one
        if len(found) >= TOLD_AT_ONCE:
            break
    return [found[key] for key in sorted(found)]


def _is_sound(one: DownloadCount) -> bool:
    named = 0 < len(one.package_id) <= _ID_LIMIT and one.package_id.isprintable()
    return named and is_day(one.day) and 0 < one.count <= _MOST


def is_day(text: str) -> bool:
    """Whether `text` is a day of the calendar, as `2026-11-22`."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
