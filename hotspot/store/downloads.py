"""How often packages were downloaded here: `model.downloads.DownloadLog` in SQLite."""

from collections.abc import Iterable, Sequence

import aiosqlite
import msgspec

from hotspot.model import instants
from hotspot.model.downloads import KEPT_DAYS, TOLD_AT_ONCE, DownloadCount
from hotspot.store.part import Part
from hotspot.store.rows import as_json

_DAY_MS = 24 * 3_600_000
_ROWS = """
SELECT value ->> '$.day', value ->> '$.packageId', value ->> '$.count' FROM json_each(?) WHERE true
"""
_ADD = f"""
INSERT INTO downloads (day, package_id, count) {_ROWS}
ON CONFLICT (day, package_id) DO UPDATE SET count = count + excluded.count
"""
_TOLD = """
UPDATE downloads SET told = t.count
FROM (SELECT value ->> '$.day' AS day, value ->> '$.packageId' AS id, value ->> '$.count' AS count
  FROM json_each(?)) t
WHERE downloads.day = t.day AND package_id = t.id AND told < t.count
"""
_FORGET = "DELETE FROM downloads WHERE day < ?"
_NEWEST = "SELECT day, package_id, count FROM downloads ORDER BY day DESC, package_id LIMIT ?"
_TO_TELL = f"""
SELECT day, package_id, count FROM downloads WHERE told < count
ORDER BY day, package_id LIMIT {TOLD_AT_ONCE}
"""


class Downloads(Part):
    """`model.downloads.DownloadLog`. While nobody knows the time, nothing counts as too old."""

    async def add_downloads(self, counts: Iterable[DownloadCount]) -> None:
        added = _encoded(counts)
        oldest = instants.later(self._clock.now(), -KEPT_DAYS * _DAY_MS)[:10]
        trusted = self._clock.trusted

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(_ADD, (added,))
            if trusted:
                await connection.execute(_FORGET, (oldest,))

        await self._database.writer.run(work)

    async def downloads(self, limit: int) -> Sequence[DownloadCount]:
        return [_count(*row) for row in await self._database.read(_NEWEST, (limit,))]

    async def downloads_to_tell(self) -> tuple[DownloadCount, ...]:
        return tuple(_count(*row) for row in await self._database.read(_TO_TELL))

    async def downloads_told(self, counts: Iterable[DownloadCount]) -> None:
        await self._execute(_TOLD, (_encoded(counts),))


def _encoded(counts: Iterable[DownloadCount]) -> str:
    return as_json([msgspec.to_builtins(one) for one in counts])


def _count(day: str, package_id: str, count: int) -> DownloadCount:
    return DownloadCount(day=day, package_id=package_id, count=count)
