"""How often packages were downloaded at all hotspots together."""

from collections.abc import Sequence

import msgspec
from asyncpg import Connection

from hotspot.model.downloads import KEPT_DAYS, DownloadCount, PackageDownloads

_LISTED = 1_000
_TOLD = f"""
INSERT INTO downloads AS d (day, package_id, device_id, count)
SELECT n.day, n."packageId", v.id, n.count
FROM json_to_recordset($2::json) AS n(day date, "packageId" text, count bigint)
JOIN devices v ON v.id = $1
WHERE n.day BETWEEN current_date - {KEPT_DAYS} AND current_date + 1
ORDER BY n.day, n."packageId"
ON CONFLICT (day, package_id, device_id) DO UPDATE SET count = greatest(d.count, excluded.count)
"""
_FORGET = f"DELETE FROM downloads WHERE day < current_date - {KEPT_DAYS}"
_BY_PACKAGE = f"""
SELECT package_id, sum(count)::bigint AS count,
  coalesce(sum(count) FILTER (WHERE day > current_date - 30), 0)::bigint AS last_30_days,
  count(DISTINCT device_id) AS hotspots
FROM downloads GROUP BY package_id ORDER BY 2 DESC, 1 LIMIT {_LISTED}
"""


async def keep(connection: Connection, device_id: str, counts: Sequence[DownloadCount]) -> None:
    """Keeps what a hotspot tells; of each day and package the greatest count that it told.

    Days that cannot be, by the server's clock, are left out.
    """
    await connection.execute(_TOLD, device_id, msgspec.json.encode(counts).decode())


async def forget_old(connection: Connection) -> None:
    """Removes what is older than is kept."""
    await connection.execute(_FORGET)


async def by_package(connection: Connection) -> Sequence[PackageDownloads]:
    """What is kept, added up; the packages that are asked for most first."""
    return [PackageDownloads(**dict(row.items())) for row in await connection.fetch(_BY_PACKAGE)]
