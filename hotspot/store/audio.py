"""Audio that comes from upstream by itself: what is wanted, and what was fetched."""

from collections.abc import Collection, Mapping, Sequence

import aiosqlite

from hotspot.model.catalogue import StoredAudio, WantedAudio
from hotspot.store.part import Part
from hotspot.store.publishing import link_audio
from hotspot.store.rows import as_json

_WANTED = """
SELECT w.media_file_id, w.failures, w.reason,
  coalesce(m.file_type, ''), coalesce(m.original_filename, w.media_file_id)
FROM wanted_audio w JOIN media_files m ON m.id = w.media_file_id
WHERE m.deleted_at IS NULL ORDER BY w.failures, w.wanted_at, w.media_file_id
"""

_FETCHED = """
INSERT INTO fetched_audio VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (media_file_id) DO UPDATE SET file_name = excluded.file_name, size = excluded.size,
  sha256 = excluded.sha256, audio_format = excluded.audio_format,
  original_name = excluded.original_name, fetched_at = excluded.fetched_at
"""

_CHECKSUMS = """
SELECT sha256, crc32 FROM audio_checksums WHERE sha256 IN (SELECT value FROM json_each(?))
"""
_KEEP_CHECKSUMS = "INSERT OR IGNORE INTO audio_checksums SELECT key, value FROM json_each(?)"
_FORGET_CHECKSUMS = """
DELETE FROM audio_checksums WHERE sha256 NOT IN (
  SELECT sha256 FROM package_audio UNION ALL SELECT sha256 FROM fetched_audio)
"""


class Audio(Part):
    """`model.catalogue.AudioStore`."""

    async def wanted_audio(self) -> Sequence[WantedAudio]:
        rows = await self._database.read(_WANTED)
        return [WantedAudio(*row) for row in rows]

    async def audio_fetched(self, audio: StoredAudio, now: str) -> None:
        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(
                _FETCHED,
                (
                    audio.media_file_id,
                    audio.file_name,
                    audio.size,
                    audio.sha256,
                    audio.audio_format,
                    audio.original_name,
                    now,
                ),
            )
            await connection.execute(
                "DELETE FROM wanted_audio WHERE media_file_id = ?", (audio.media_file_id,)
            )
            await connection.execute(
                "UPDATE media_files SET sync_status = 'synced', last_synced_at = ? WHERE id = ?",
                (now, audio.media_file_id),
            )
            await link_audio(connection, [audio.media_file_id])

        await self._database.writer.run(work)

    async def audio_failed(self, media_file_id: str, reason: str) -> None:
        await self._execute(
            "UPDATE wanted_audio SET failures = failures + 1, reason = ? WHERE media_file_id = ?",
            (reason, media_file_id),
        )

    async def checksums(self, sha256s: Collection[str]) -> Mapping[str, int]:
        return dict(await self._database.read(_CHECKSUMS, (as_json(sorted(sha256s)),)))

    async def keep_checksums(self, checksums: Mapping[str, int]) -> None:
        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(_KEEP_CHECKSUMS, (as_json(dict(checksums)),))
            await connection.execute(_FORGET_CHECKSUMS)

        await self._database.writer.run(work)
