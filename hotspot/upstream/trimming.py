"""Keeping the change log small, without cutting anybody off.

Of each record the last entry stays for ever, with the version that it was made in; a hard deletion
stays whole, because nothing else tells of it. So a client at any position, however old, still hears
of every record that changed after it, and one without a position hears of all.
"""

from collections.abc import AsyncIterator

from asyncpg import Connection

CHUNK = 5_000
"""Entries in one transaction: nobody is told of anything while a writing transaction is open."""
LISTED = 20 * CHUNK

_SUPERSEDED = f"""
SELECT id FROM (
  SELECT id, changed_at, row_number() OVER (
    PARTITION BY scope, table_name, record_id ORDER BY xid DESC, seq DESC) AS place
  FROM change_log WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
) e
WHERE place > 1 AND changed_at < now() - make_interval(days => $1) LIMIT {LISTED}
"""
_FULL = f"""
SELECT id FROM change_log
WHERE operation <> 'DELETE' AND (old_data IS NOT NULL OR new_data IS NOT NULL)
  AND changed_at < now() - make_interval(days => $1) LIMIT {LISTED}
"""
_REMOVE = "DELETE FROM change_log WHERE id = ANY($1::uuid[])"
_EMPTY = "UPDATE change_log SET old_data = NULL, new_data = NULL WHERE id = ANY($1::uuid[])"


async def trim(connection: Connection, keep_days: int) -> tuple[int, int]:
    """Shortens the log of what is older than `keep_days`.

    Removes entries that later ones of the same record have superseded, and takes the contents out
    of the others. Returns how many entries were removed, and how many emptied.
    """
    removed = [
        await _changed(connection, _REMOVE, ids)
        async for ids in _chunks(connection, _SUPERSEDED, keep_days)
    ]
    emptied = [
        await _changed(connection, _EMPTY, ids)
        async for ids in _chunks(connection, _FULL, keep_days)
    ]
    return sum(removed), sum(emptied)


async def _chunks(
    connection: Connection, listing: str, keep_days: int
) -> AsyncIterator[list[object]]:
    """The ids that `listing` finds, until it finds no more than it lists at once."""
    while True:
        ids = [row["id"] for row in await connection.fetch(listing, keep_days)]
        for start in range(0, len(ids), CHUNK):
            yield ids[start : start + CHUNK]
        if len(ids) < LISTED:
            return


async def _changed(connection: Connection, sql: str, ids: list[object]) -> int:
    return int((await connection.execute(sql, ids)).split()[-1])
