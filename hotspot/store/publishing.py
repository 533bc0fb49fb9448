"""Publishing a package: its records are merged and it becomes visible, in one transaction."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite

from hotspot import faults
from hotspot.model.catalogue import NewPackage, PublishCounts
from hotspot.model.tables import CONTENT_TABLES
from hotspot.model.wire import PackageInfo
from hotspot.store.merging import merge
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch
from hotspot.store.transaction import compare_again

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

_DISCARD = """
INSERT OR IGNORE INTO discarded_files
SELECT file_name FROM package_files WHERE package_id = ? AND file_name <> ?
"""

_FILE = """
INSERT INTO package_files (package_id, file_name, sha256, size, complete, series_json, signed_by,
  supersedes, conflicts_json)
VALUES (:id, :file_name, :sha256, :size, :complete, :series, :signed_by,
  json_extract(:manifest, '$.supersedes'),
  coalesce(json_extract(:manifest, '$.conflictsWith'), '[]'))
"""

_AUDIO = """
INSERT INTO package_audio
SELECT value ->> 0, ?, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
  value ->> 7
FROM json_each(?)
"""

_SCOPES = "INSERT INTO package_scopes SELECT ?, value ->> 0, value ->> 1 FROM json_each(?)"

# What a trusted key signed needs nobody's approval; one that was sent already stays finished.
_APPROVE = """
INSERT INTO package_approvals (package_id, sha256, approved_at) VALUES (:id, :sha256, :now)
ON CONFLICT (package_id) DO UPDATE SET sha256 = excluded.sha256,
  approved_at = excluded.approved_at, finished_at = NULL, reason = NULL
WHERE sha256 <> excluded.sha256
"""

_WANT_DAMAGED = """
INSERT OR IGNORE INTO wanted_audio (media_file_id, wanted_at, damaged)
SELECT a.media_file_id, ?, 1 FROM package_audio a JOIN media_files m ON m.id = a.media_file_id
WHERE a.package_id = ? AND a.damaged AND m.local_path IS NULL
"""
_WANT_NO_MORE = """
DELETE FROM wanted_audio WHERE damaged AND media_file_id IN (
  SELECT media_file_id FROM package_audio WHERE package_id = ? AND NOT damaged)
"""

_LINK = """
UPDATE media_files SET local_path = (
  SELECT 'packages/' || file_name FROM (
    SELECT a.media_file_id, a.file_name, p.imported_at AS since, p.id AS package_id
    FROM package_audio a JOIN local_packages p ON p.id = a.package_id WHERE NOT a.damaged
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
        One whose natural key a live row of another id has is taken for that row, and its id becomes
        an alias.
        Where rows were written, the versions have to be compared with the upstream's (again).
        """

        async def work(connection: aiosqlite.Connection) -> PublishCounts:
            counts = await merge(connection, new.info.package_id, now)
            if any(counts.written[table.name] for table in CONTENT_TABLES):
                await compare_again(connection, _scopes(new.info))
            await _list(connection, new, now)
            faults.point("publish.before_commit")
            return counts

        counts = await self._database.writer.run(work, attach=staging)
        faults.point("publish.after_commit")
        return counts


async def _list(connection: aiosqlite.Connection, new: NewPackage, now: str) -> None:
    """Lists the package, its file, its audio and its versions."""
    info = new.info
    linked = await media_files_of(connection, info.package_id)
    await connection.execute(_LOCAL_PACKAGE, _package_values(new, now))
    await connection.execute(_DISCARD, (info.package_id, new.file_name))
    await connection.execute("DELETE FROM discarded_files WHERE file_name = ?", (new.file_name,))
    for table in ("package_files", "package_audio", "package_scopes"):
        await connection.execute(f"DELETE FROM {table} WHERE package_id = ?", (info.package_id,))
    series = as_json(info.series_info) if info.series_info is not None else None
    await connection.execute(_FILE, {**_file_values(new), "series": series})
    await connection.execute(_AUDIO, (info.package_id, as_json(_audio_values(new))))
    await connection.execute(_SCOPES, (info.package_id, as_json(_scopes(info))))
    await link_audio(connection, {*linked, *(one.media_file_id for one in new.audio)})
    await connection.execute(_WANT_DAMAGED, (now, info.package_id))
    await connection.execute(_WANT_NO_MORE, (info.package_id,))
    if info.signed_by is not None:
        await connection.execute(
            _APPROVE, {"id": info.package_id, "sha256": info.sha256, "now": now}
        )


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


def _file_values(new: NewPackage) -> dict[str, Any]:
    info = new.info
    return {
        "id": info.package_id,
        "file_name": new.file_name,
        "sha256": info.sha256,
        "size": info.size_in_bytes,
        "complete": info.complete,
        "signed_by": info.signed_by,
        "manifest": new.manifest.decode(),
    }


def _audio_values(new: NewPackage) -> list[list[Any]]:
    return [
        [
            a.media_file_id,
            a.file_name,
            a.offset,
            a.size,
            a.sha256,
            a.audio_format,
            a.original_name,
            a.media_file_id in new.damaged,
        ]
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
