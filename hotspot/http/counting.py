"""Counting downloads: in memory as they happen, as rows now and then."""

import asyncio
import logging
from collections import Counter

from hotspot.clock import Clock
from hotspot.errors import HotspotError
from hotspot.model.downloads import DownloadCount, DownloadLog

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 60.0
"""Each write wears the card; a power cut costs what was counted since."""


class DownloadCounter:
    """Counts what went out of here. `since_start`: by package, for as long as the process lives."""

    def __init__(self, kept: DownloadLog, clock: Clock) -> None:
        self.since_start: Counter[str] = Counter()
        self._kept = kept
        self._clock = clock
        self._waiting: Counter[tuple[str, str]] = Counter()

    def count(self, package_id: str) -> None:
        """One package went out to its end."""
        self.since_start[package_id] += 1
        self._waiting[self._clock.now()[:10], package_id] += 1

    async def flush(self) -> None:
        """Writes what was counted; nothing where nothing was. Raises HotspotError, and keeps it."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, Counter()
        counts = [
            DownloadCount(day=day, package_id=package_id, count=number)
            for (day, package_id), number in waiting.items()
        ]
        try:
            await self._kept.add_downloads(counts)
        except BaseException:
            self._waiting += waiting
            raise

    async def run(self) -> None:
        """Writes now and then until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY_S)
                await self._write()
        finally:
            await self._write()

    async def _write(self) -> None:
        try:
            await self.flush()
        except HotspotError as error:
            log.warning("Downloads are counted, but not kept yet: %s", error)
