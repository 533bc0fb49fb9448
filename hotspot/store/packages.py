"""The packages that can be downloaded here."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import aiosqlite
import msgspec

from hotspot.model.catalogue import (
    CatalogueSummary,
    LanguageInfo,
    PackageQuery,
    StoredAudio,
    StoredPackage,
)
from hotspot.model.plan import Held
from hotspot.model.series import Part as SeriesPart
from hotspot.model.series import completed, part_of, series_here
from hotspot.model.wire import PackageInfo
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch

_FROM = """
FROM local_packages p JOIN package_files f ON f.package_id = p.id
LEFT JOIN language_entities l ON l.id = p.language_entity_id
LEFT JOIN audio_versions a ON a.id = p.audio_version_id
LEFT JOIN text_versions t ON t.id = p.text_version_id
"""

_COLUMNS = """
SELECT p.id, p.version, p.package_type, p.language_entity_id,
  coalesce(l.name, p.language_entity_id) AS language_name,
  p.audio_version_id, a.name, p.text_version_id, t.name,
  f.size, f.sha256, p.imported_at, f.complete, f.series_json, f.signed_by,
  (SELECT count(*) FROM package_audio d JOIN media_files m ON m.id = d.media_file_id
    WHERE d.package_id = p.id AND d.damaged AND m.local_path IS NULL)
"""

_WANTED = """
WHERE (:language IS NULL OR p.language_entity_id = :language)
  AND (:type IS NULL OR p.package_type = :type)
"""

_LIST = f"{_COLUMNS} {_FROM} {_WANTED} ORDER BY language_name, p.id LIMIT :limit OFFSET :offset"
_COUNT = f"SELECT count(*) {_FROM} {_WANTED}"
_ONE = f"{_COLUMNS}, p.manifest_json, f.file_name {_FROM} WHERE p.id = ?"

# Of audio that several have, the newest comes last.
_AUDIO = """
WITH wanted AS (SELECT value AS id FROM json_each(?))
SELECT a.media_file_id, a.file_name, a.offset, a.size, a.sha256, a.audio_format, a.original_name,
  p.imported_at AS since, p.id AS package_id
FROM package_audio a JOIN local_packages p ON p.id = a.package_id
WHERE a.media_file_id IN (SELECT id FROM wanted) AND NOT a.damaged
UNION ALL
SELECT media_file_id, file_name, 0, size, sha256, audio_format, original_name, fetched_at, ''
FROM fetched_audio WHERE media_file_id IN (SELECT id FROM wanted)
ORDER BY since, package_id DESC
"""

_LANGUAGES = """
SELECT p.language_entity_id, coalesce(l.name, p.language_entity_id) AS name, count(*)
FROM local_packages p JOIN package_files f ON f.package_id = p.id
LEFT JOIN language_entities l ON l.id = p.language_entity_id
GROUP BY p.language_entity_id ORDER BY name, p.language_entity_id
"""
_INCOMPLETE = "SELECT package_id FROM package_files WHERE NOT complete ORDER BY package_id"

_DAMAGED = "SELECT media_file_id FROM package_audio WHERE package_id = ? AND damaged"

_HELD = """
SELECT p.id, p.version, f.size, f.conflicts_json, f.supersedes, f.series_json, f.complete,
  (SELECT count(*) FROM package_audio WHERE package_id = p.id AND damaged)
FROM local_packages p JOIN package_files f ON f.package_id = p.id ORDER BY p.id
"""


class Packages(Part):
    """`model.stores.PackageStore`, and what the importer asks of it."""

    async def list_packages(self, query: PackageQuery) -> tuple[Sequence[PackageInfo], int]:
        parameters = {
            "language": query.language_entity_id,
            "type": query.package_type,
            "limit": query.limit,
            "offset": query.offset,
        }
        async with self._database.snapshot() as connection:
            rows = await fetch(connection, _LIST, parameters)
            total = await fetch(connection, _COUNT, parameters)
            parts = await _parts(connection) if any(row[13] for row in rows) else {}
        return [_info(row, parts) for row in rows], int(total[0][0])

    @property
    def catalogue_revision(self) -> str:
        return f"{self._database.epoch}.{self._database.writer.seen}"

    async def summary(self) -> CatalogueSummary:
        revision = self.catalogue_revision
        async with self._database.snapshot() as connection:
            languages = await fetch(connection, _LANGUAGES)
            parts = await _parts(connection)
            incomplete = await fetch(connection, _INCOMPLETE)
        return CatalogueSummary(
            revision=revision,
            packages=len(parts),
            incomplete=[row[0] for row in incomplete],
            languages=[
                LanguageInfo(language_entity_id=id_, name=name, packages=count)
                for id_, name, count in languages
            ],
            series=series_here(parts),
        )

    async def package(self, package_id: str) -> StoredPackage | None:
        async with self._database.snapshot() as connection:
            rows = await fetch(connection, _ONE, (package_id,))
            parts = await _parts(connection) if any(row[13] for row in rows) else {}
        if not rows:
            return None
        *info, manifest, file_name = rows[0]
        return StoredPackage(_info(info, parts), manifest.encode(), file_name)

    async def damaged_audio(self, package_id: str) -> frozenset[str]:
        rows = await self._database.read(_DAMAGED, (package_id,))
        return frozenset(row[0] for row in rows)

    async def audio(self, media_file_id: str) -> StoredAudio | None:
        return (await self.audios([media_file_id])).get(media_file_id)

    async def audios(self, media_file_ids: Collection[str]) -> Mapping[str, StoredAudio]:
        rows = await self._database.read(_AUDIO, (as_json(sorted(media_file_ids)),))
        return {row[0]: _stored_audio(row) for row in rows}

    async def file_names(self) -> set[str]:
        """The files in packages/ that are in use; others there are left-overs."""
        rows = await self._database.read(
            "SELECT file_name FROM package_files UNION SELECT file_name FROM fetched_audio"
        )
        return {row[0] for row in rows}

    async def held_packages(self) -> Sequence[Held]:
        """All packages here, as import plans look at them."""
        return [_held(*row) for row in await self._database.read(_HELD)]

    async def discarded_files(self) -> set[str]:
        """Files in packages/ that are to be deleted."""
        return {
            row[0] for row in await self._database.read("SELECT file_name FROM discarded_files")
        }

    async def files_deleted(self, names: Collection[str]) -> None:
        """Forgets files that were to be deleted, and are."""
        await self._execute(
            "DELETE FROM discarded_files WHERE file_name IN (SELECT value FROM json_each(?))",
            (as_json(sorted(names)),),
        )


async def _parts(connection: aiosqlite.Connection) -> dict[str, SeriesPart | None]:
    """Every package here, with the part of a series that it is."""
    rows = await fetch(connection, "SELECT package_id, series_json FROM package_files")
    return {id_: part_of(msgspec.json.decode(series)) if series else None for id_, series in rows}


def _info(row: Sequence[Any], here: Mapping[str, SeriesPart | None]) -> PackageInfo:
    """A package as it is listed; `here`: all packages, where it is part of a series."""
    series = row[13]
    return PackageInfo(
        package_id=row[0],
        package_version=row[1],
        package_type=row[2],
        language_entity_id=row[3],
        language_name=row[4],
        audio_version_id=row[5],
        audio_version_name=row[6],
        text_version_id=row[7],
        text_version_name=row[8],
        size_in_bytes=row[9],
        sha256=row[10],
        imported_at=row[11],
        complete=bool(row[12]),
        damaged_audio=row[15],
        signed_by=row[14],
        series_info=completed(msgspec.json.decode(series), here) if series is not None else None,
    )


def _stored_audio(row: Sequence[Any]) -> StoredAudio:
    return StoredAudio(
        media_file_id=row[0],
        file_name=row[1],
        offset=row[2],
        size=row[3],
        sha256=row[4],
        audio_format=row[5],
        original_name=row[6],
    )


def _held(
    package_id: str,
    version: str,
    size: int,
    conflicts: str,
    supersedes: str | None,
    series: Any,
    complete: int,
    damaged: int,
) -> Held:
    return Held(
        package_id=package_id,
        version=version,
        size=size,
        conflicts_with=tuple(msgspec.json.decode(conflicts, type=list[str])),
        supersedes=supersedes,
        complete=bool(complete),
        damaged=damaged,
        part=None if series is None else part_of(msgspec.json.decode(series)),
    )
