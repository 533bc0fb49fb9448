"""The audio of loaded packages: their files are kept, and it is served straight from there."""

import asyncio
from pathlib import Path

import msgspec
from asyncpg import Connection

from hotspot.errors import PackageRefused
from hotspot.model.catalogue import StoredAudio
from hotspot.package.copying import copy
from hotspot.package.layout import HEADER_SIZE
from hotspot.package.reader import PackageFile, open_package

_KEEP = """
INSERT INTO package_audio
  (media_file_id, file_name, file_offset, size, sha256, audio_format, original_name)
SELECT a.media_file_id, a.file_name, a."offset", a.size, a.sha256, a.audio_format, a.original_name
FROM json_to_recordset($1::json) AS a(
  media_file_id uuid, file_name text, "offset" bigint, size bigint, sha256 text,
  audio_format text, original_name text)
ON CONFLICT (media_file_id) DO UPDATE SET
  file_name = excluded.file_name, file_offset = excluded.file_offset, size = excluded.size,
  sha256 = excluded.sha256, audio_format = excluded.audio_format,
  original_name = excluded.original_name, loaded_at = now()
"""

_AUDIO = """
SELECT media_file_id::text, file_name, file_offset AS "offset", size, sha256, audio_format,
  original_name
FROM package_audio WHERE media_file_id::text = $1
"""


async def keep(connection: Connection, path: Path, folder: Path) -> None:
    """Keeps the file of a package that has audio in `folder`, and lists its audio.

    Raises PackageRefused where the file is not as it was when it was built, and NoSpace.
    """
    package = await asyncio.to_thread(open_package, path)
    if not package.manifest.audio_file_index:
        return
    file_name = await asyncio.to_thread(_store, package, folder)
    audio = [msgspec.to_builtins(one) for one in package.stored_audio(file_name)]
    await connection.execute(_KEEP, msgspec.json.encode(audio).decode())


def _store(package: PackageFile, folder: Path) -> str:
    """Copies the package into `folder` under its SHA-256; its name there."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{package.header.sha256.hex()}.part"
    part.unlink(missing_ok=True)
    copied = copy(package.path, part, package.size, HEADER_SIZE, lambda _: None, lambda: False)
    if copied.content_sha256 != package.header.sha256.hex():
        part.unlink()
        raise PackageRefused("The package is damaged: its bytes are not those it was built of.")
    part.replace(folder / f"{copied.sha256}.bible")
    return f"{copied.sha256}.bible"


async def audio(connection: Connection, media_file_id: str) -> StoredAudio | None:
    """Where one audio file lies."""
    row = await connection.fetchrow(_AUDIO, media_file_id)
    return None if row is None else StoredAudio(**row)
