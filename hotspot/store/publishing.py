"""Publishing a package: its records are merged and it becomes visible, in one transaction."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite

from hotspot import faults
from hotspot.model.catalogue import NewPackage, PublishCounts
from hotspot.model.records import Key
from hotspot.model.stores import Loser
from hotspot.model.tables import BY_NAME, CONTENT_TABLES, CONTEXT_TABLES, Table
from hotspot.model.wire import PackageInfo
from hotspot.store.part import Part
from hotspot.store.rows import STAMPS, as_json, fetch
from hotspot.store.transaction import Transaction

_LOCAL_PACKAGE = """
INSERT INTO local_packages (id, package_type, language_entity_id, audio_version_id,
  text_version_id, version, imported_at, local_size_mb, source, manifest_json, created_at,
  updated_at)
VALUES (:id, :type, :language, :audio_version, :text_version, :version, :imported_at, :size_mb,
  :source, :manifest, :now, :now)
ON CONFLICT (id) DO UPDATE SET package_type = excluded.package_type,
  language_entity_id = excluded.language_entity_id,
  audio_version_id = excluded.audio_version_id, text_version_id = excluded.text_version_id,
  version = excluded.version, imported_at = excluded.imported_at,
  local_size_mb = excluded.local_size_mb, source = excluded.source,
  manifest_json = excluded.manifest_json, updated_at = excluded.updated_at
"""

_AUDIO = """
INSERT INTO package_audio
SELECT value ->> 0, ?, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
FROM json_each(?)
"""

_SCOPES = "INSERT INTO package_scopes SELECT ?, value ->> 0, value ->> 1 FROM json_each(?)"

_COMPARE = """
INSERT INTO feed_positions (scope_kind, scope_id, imports)
SELECT value ->> 0, value ->> 1, 1 FROM json_each(?) WHERE true
ON CONFLICT (scope_kind, scope_id) DO UPDATE SET
  token = NULL, comparing = 1, imports = imports + 1
"""

_LINK = """
UPDATE media_files SET local_path = (
  SELECT 'packages/' || file_name FROM (
    SELECT a.media_file_id, a.file_name, p.imported_at AS since, p.id AS package_id
    FROM package_audio a JOIN local_packages p ON p.id = a.package_id
    UNION ALL SELECT media_file_id, file_name, fetched_at, '' FROM fetched_audio)
  WHERE media_file_id = media_files.id ORDER BY since DESC, package_id LIMIT 1)
WHERE id IN (SELECT value FROM json_each(?))
"""


class Publishing(Part):
    """Makes verified packages visible."""

    async def publish(self, new: NewPackage, staging: Path, now: str) -> PublishCounts:
        """Merges the records in the database file `staging`, and lists the package.

        `staging` has one table for each of model.tables, with content_hash and row_hash on the
        content tables.
        A record is replaced where the incoming one is later and says something else, unless an
        edit of it waits or is disputed; what was ever edited here is kept as a losing version.
        Where rows were written, the versions have to be compared with the upstream's (again).
        """

        async def work(connection: aiosqlite.Connection) -> PublishCounts:
            counts = await _merge(connection, new.info.package_id, now)
            if any(counts.written[table.name] for table in CONTENT_TABLES):
                await connection.execute(_COMPARE, (as_json(_scopes(new.info)),))
            await _list(connection, new, now)
            faults.point("publish.before_commit")
            return counts

        counts = await self._database.writer.run(work, attach=staging)
        faults.point("publish.after_commit")
        return counts


async def _merge(connection: aiosqlite.Connection, package_id: str, now: str) -> PublishCounts:
    tx = Transaction(connection, now)
    seq = await tx.seq()
    rows, written = {}, {}
    for table in (*CONTEXT_TABLES, *CONTENT_TABLES):
        found = await fetch(connection, f"SELECT count(*) FROM staging.{table.name}")
        rows[table.name] = int(found[0][0])
        if table.name in BY_NAME:
            await _keep_edited(connection, tx, table)
            cursor = await connection.execute(_content_sql(table), (seq, package_id))
        else:
            cursor = await connection.execute(_context_sql(table))
        written[table.name] = cursor.rowcount
    return PublishCounts(rows, written)


def _columns(table: Table) -> list[str]:
    return ["id", *(column.name for column in table.content), *STAMPS]


def _replacing(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns)


def _replaces(table: Table, new: str, old: str) -> str:
    """The condition on which a package's row `new` replaces the row `old` of the same id.

    A row never moves to another version or verse: a package can only change what it names.
    """
    fixed = " AND ".join(f"{new}.{name} IS {old}.{name}" for name in sorted(table.fixed))
    return f"""{new}.updated_at > {old}.updated_at AND {new}.content_hash <> {old}.content_hash
        {"AND " + fixed if fixed else ""} AND NOT EXISTS (
          SELECT 1 FROM record_sync_status w WHERE w.table_name = '{table.name}'
          AND w.record_id = {new}.id AND w.sync_status <> 'synced')"""


def _content_sql(table: Table) -> str:
    columns = [*_columns(table), "content_hash", "row_hash"]
    names = ", ".join(columns)
    return f"""
        INSERT INTO main.{table.name} ({names}, seq, sync_status, import_source)
        SELECT {names}, ?, 'synced', ? FROM staging.{table.name} WHERE true
        ON CONFLICT (id) DO UPDATE SET {_replacing(columns[1:])}, seq = excluded.seq,
          sync_status = excluded.sync_status, import_source = excluded.import_source
        WHERE {_replaces(table, "excluded", table.name)}
    """


def _context_sql(table: Table) -> str:
    columns = _columns(table)
    names = ", ".join(columns)
    return f"""
        INSERT INTO main.{table.name} ({names})
        SELECT {names} FROM staging.{table.name} WHERE true
        ON CONFLICT (id) DO UPDATE SET {_replacing(columns[1:])}
        WHERE excluded.updated_at > coalesce({table.name}.updated_at, '')
    """


async def _keep_edited(connection: aiosqlite.Connection, tx: Transaction, table: Table) -> None:
    """Keeps the versions that were edited here and are about to be replaced.

    Their records are no edits of ours any more: what a stick brought must not go up as one.
    """
    found = await fetch(
        connection,
        f"""
        SELECT s.record_id, p.updated_at || '~' || p.content_hash
        FROM record_sync_status s
        CROSS JOIN staging.{table.name} p ON p.id = s.record_id
        CROSS JOIN main.{table.name} m ON m.id = s.record_id
        WHERE s.table_name = ? AND {_replaces(table, "p", "m")}
        """,
        (table.name,),
    )
    if not found:
        return
    held = await tx.current([Key(table.name, id_) for id_, _ in found])
    reason = "A package brought a later version."
    await tx.keep_losers(
        [Loser(held[Key(table.name, id_)], won, "server_wins", reason) for id_, won in found]
    )
    await connection.execute(
        """
        DELETE FROM record_sync_status
        WHERE table_name = ? AND record_id IN (SELECT value FROM json_each(?))
        """,
        (table.name, as_json([id_ for id_, _ in found])),
    )


async def _list(connection: aiosqlite.Connection, new: NewPackage, now: str) -> None:
    """Lists the package, its file, its audio and its versions."""
    info = new.info
    linked = await media_files_of(connection, info.package_id)
    await connection.execute(_LOCAL_PACKAGE, _package_values(new, now))
    for table in ("package_files", "package_audio", "package_scopes"):
        await connection.execute(f"DELETE FROM {table} WHERE package_id = ?", (info.package_id,))
    series = as_json(info.series_info) if info.series_info is not None else None
    await connection.execute(
        "INSERT INTO package_files VALUES (?, ?, ?, ?, ?, ?)",
        (info.package_id, new.file_name, info.sha256, info.size_in_bytes, info.complete, series),
    )
    await connection.execute(_AUDIO, (info.package_id, as_json(_audio_values(new))))
    await connection.execute(_SCOPES, (info.package_id, as_json(_scopes(info))))
    await link_audio(connection, {*linked, *(one.media_file_id for one in new.audio)})


def _package_values(new: NewPackage, now: str) -> dict[str, Any]:
    info = new.info
    return {
        "id": info.package_id,
        "type": info.package_type,
        "language": info.language_entity_id,
        "audio_version": info.audio_version_id,
        "text_version": info.text_version_id,
        "version": info.package_version,
        "imported_at": info.imported_at,
        "size_mb": info.size_in_bytes / 1e6,
        "source": new.source,
        "manifest": new.manifest.decode(),
        "now": now,
    }


def _audio_values(new: NewPackage) -> list[list[Any]]:
    return [
        [a.media_file_id, a.file_name, a.offset, a.size, a.sha256, a.audio_format, a.original_name]
        for a in new.audio
    ]


def _scopes(info: PackageInfo) -> list[tuple[str, str]]:
    given = (("textVersionId", info.text_version_id), ("audioVersionId", info.audio_version_id))
    return [(kind, id_) for kind, id_ in given if id_ is not None]


async def media_files_of(connection: aiosqlite.Connection, package_id: str) -> set[str]:
    """The media files whose audio lies in this package."""
    rows = await fetch(
        connection, "SELECT media_file_id FROM package_audio WHERE package_id = ?", (package_id,)
    )
    return {row[0] for row in rows}


async def link_audio(connection: aiosqlite.Connection, media_file_ids: Iterable[str]) -> None:
    """Sets `local_path` of media files to the newest package that has their audio, or to null."""
    await connection.execute(_LINK, (as_json(sorted(media_file_ids)),))
