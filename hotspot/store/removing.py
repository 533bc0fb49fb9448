"""Removing a package: it is not offered any more, and what only it held goes."""

from collections.abc import Sequence

import aiosqlite

from hotspot.model.tables import BY_NAME, MEDIA_FILES, Table
from hotspot.store.part import Part
from hotspot.store.publishing import link_audio, media_files_of
from hotspot.store.rows import fetch

_FORGET = (
    "DELETE FROM sync_log WHERE package_id = ?",
    "DELETE FROM package_audio WHERE package_id = ?",
    "DELETE FROM package_scopes WHERE package_id = ?",
    """INSERT OR IGNORE INTO discarded_files
    SELECT file_name FROM package_files WHERE package_id = ?""",
    "DELETE FROM package_files WHERE package_id = ?",
    "DELETE FROM package_approvals WHERE package_id = ?",
    "DELETE FROM local_packages WHERE id = ?",
)

# A package that does not name its books may hold all of them.
_OTHERS = """
SELECT EXISTS (SELECT 1 FROM holders), coalesce((
  SELECT json_group_array(DISTINCT b.value) FROM holders h, json_each(h.books) b), '[]'),
  EXISTS (SELECT 1 FROM holders WHERE coalesce(books, '[]') = '[]')
"""
_HOLDERS = """
WITH holders AS (
  SELECT json_extract(p.manifest_json, '$.includesBooks') AS books
  FROM package_scopes s JOIN local_packages p ON p.id = s.package_id
  WHERE s.scope_kind = ? AND s.scope_id = ? AND s.package_id <> ?)
"""

_BOOK_OF = {
    "verse_texts": "verse_id",
    "media_files_verses": "verse_id",
    "media_files": "coalesce(chapter_id, start_verse_id, '')",
}
"""Ids of verses and chapters begin with that of their book: john-3-16."""

_WAITS = """
EXISTS (SELECT 1 FROM record_sync_status w WHERE w.table_name = '{table}'
  AND w.record_id = {table}.id AND w.sync_status <> 'synced')
"""

_FORGET_SYNCED = """
DELETE FROM record_sync_status WHERE sync_status = 'synced' AND scope_kind = ? AND scope_id = ?
  AND table_name = '{table}' AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = record_id)
"""


class Removing(Part):
    """Takes packages away."""

    async def remove_package(self, package_id: str) -> bool:
        """Forgets a package, and the records that no other package here holds.

        Edits that wait and records in conflict stay, with the version that they belong to; so do
        versions that lost. The package's file is listed among the discarded ones.
        False: there is no such package.
        """

        async def work(connection: aiosqlite.Connection) -> bool:
            media_files = await media_files_of(connection, package_id)
            scopes = await fetch(
                connection,
                "SELECT scope_kind, scope_id FROM package_scopes WHERE package_id = ?",
                (package_id,),
            )
            for kind, scope_id in scopes:
                await _empty(connection, package_id, kind, scope_id)
            removed = 0
            for statement in _FORGET:
                removed = (await connection.execute(statement, (package_id,))).rowcount
            await link_audio(connection, media_files)
            return removed > 0

        return await self._database.writer.run(work)


async def _empty(
    connection: aiosqlite.Connection, package_id: str, kind: str, scope_id: str
) -> None:
    """Deletes the records of one version, as far as only this package holds them."""
    ((shared, books, all_books),) = await fetch(
        connection, _HOLDERS + _OTHERS, (kind, scope_id, package_id)
    )
    if all_books:
        return
    tables = [table for table in BY_NAME.values() if table.scope_kind == kind]
    for table in tables:
        if not table.defines_scope:
            await _delete(connection, table, scope_id, books)
    if not shared:
        await _forget_version(connection, tables, kind, scope_id)
    for table in tables:
        await connection.execute(_FORGET_SYNCED.format(table=table.name), (kind, scope_id))


async def _delete(
    connection: aiosqlite.Connection, table: Table, scope_id: str, kept_books: str
) -> None:
    about = _BOOK_OF[table.name]
    await connection.execute(
        f"""
        DELETE FROM {table.name} WHERE {table.scope_column} = ?
          AND substr({about}, 1, instr({about} || '-', '-') - 1)
            NOT IN (SELECT value FROM json_each(?))
          AND NOT {_WAITS.format(table=table.name)}
        """,
        (scope_id, kept_books),
    )
    if table is MEDIA_FILES:
        for name in ("fetched_audio", "wanted_audio"):
            await connection.execute(
                f"DELETE FROM {name} WHERE media_file_id NOT IN (SELECT id FROM media_files)"
            )


async def _forget_version(
    connection: aiosqlite.Connection, tables: Sequence[Table], kind: str, scope_id: str
) -> None:
    """Deletes the version's own row, and how far it was read, unless records of it are left."""
    version = next(table for table in tables if table.defines_scope)
    left = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table.name} WHERE {table.scope_column} = :id)"
        for table in tables
        if table is not version
    )
    gone = await connection.execute(
        f"DELETE FROM {version.name} WHERE id = :id AND NOT ({left})"
        f" AND NOT {_WAITS.format(table=version.name)}",
        {"id": scope_id},
    )
    if gone.rowcount:
        await connection.execute(
            "DELETE FROM feed_positions WHERE scope_kind = ? AND scope_id = ?", (kind, scope_id)
        )
