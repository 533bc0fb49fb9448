"""A book's chapters as one archive of audio files, for phones that have no app for packages."""

import asyncio
import logging
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from hotspot.errors import CannotWrite, NotFound
from hotspot.http.archive import Entry, archive
from hotspot.http.files import Content, send_content
from hotspot.http.opened import Files
from hotspot.http.pieces import InFile
from hotspot.model.catalogue import PackageStore, StoredAudio
from hotspot.model.wire import PackageInfo
from hotspot.phones.contents import Book, read_manifest

log = logging.getLogger(__name__)

_CHUNK = 1024 * 1024
_LONGEST = 100


def routes(packages: PackageStore, folder: Path) -> list[web.RouteDef]:
    """The route of the archives. `folder` is where the files lie that have the audio."""
    books = _Books(packages, folder)
    return [web.get("/functions/v1/packages/{package_id}/books/{book_id}", books.download)]


class _Books:
    def __init__(self, packages: PackageStore, folder: Path) -> None:
        self._packages = packages
        self._folder = folder
        self._files = Files()
        self._summing = asyncio.Lock()

    async def download(self, request: web.Request) -> web.StreamResponse:
        package_id, book_id = request.match_info["package_id"], request.match_info["book_id"]
        stored = await self._packages.package(package_id)
        if stored is None:
            raise NotFound(f"There is no package {package_id[:80]!r} here.")
        listed = read_manifest(stored.manifest).audio
        book = next((one for one in listed if one.id == book_id), None)
        audios = await self._packages.audios(book.media_file_ids) if book is not None else {}
        if book is None or not audios:
            raise NotFound(f"There is no audio of {book_id[:80]!r} in this package here.")
        content = await self._content(stored.info, book, audios)
        return await send_content(request, content, self._files)

    async def _content(
        self, info: PackageInfo, book: Book, audios: Mapping[str, StoredAudio]
    ) -> Content:
        sums = await self._checksums(audios.values())
        entries = _entries(book, audios, sums, self._folder)
        try:
            pieces = archive(entries)
        except ValueError as error:
            raise NotFound(f"{error} Download the chapters one by one.") from None
        digest = sha256(b"".join(piece for piece in pieces if isinstance(piece, bytes)))
        digest.update("".join(audios[one].sha256 for one in sorted(audios)).encode())
        name = f"{info.language_name} - {book.name} ({info.audio_version_name or 'audio'}).zip"
        return Content(pieces, digest.hexdigest(), "application/zip", name)

    async def _checksums(self, audios: Iterable[StoredAudio]) -> Mapping[str, int]:
        """The CRC-32 of each, by SHA-256. What nobody kept is read once, and kept."""
        wanted = {audio.sha256: audio for audio in audios}
        async with self._summing:
            known = await self._packages.checksums(wanted)
            missing = [audio for sha, audio in wanted.items() if sha not in known]
            if not missing:
                return known
            computed = {one.sha256: await self._checksum(one) for one in missing}
            with suppress(CannotWrite):
                await self._packages.keep_checksums(computed)
        return {**known, **computed}

    async def _checksum(self, audio: StoredAudio) -> int:
        try:
            return await asyncio.to_thread(_crc32, self._folder / audio.file_name, audio)
        except OSError as error:
            log.error("%s cannot be read: %s.", audio.file_name, error)
            raise NotFound("A chapter is not here any more; look at the list again.") from None


def _crc32(path: Path, audio: StoredAudio) -> int:
    checksum, left = 0, audio.size
    with path.open("rb") as file:
        file.seek(audio.offset)
        while left > 0:
            chunk = file.read(min(_CHUNK, left))
            if not chunk:
                raise OSError("it is shorter than it should be")
            checksum = zlib.crc32(chunk, checksum)
            left -= len(chunk)
    return checksum


def _name(wanted: str) -> str:
    """`wanted` as a name that means no folder anywhere."""
    return "".join(char if char.isalnum() or char in " .-" else "_" for char in wanted)[:_LONGEST]


def _entries(
    book: Book, audios: Mapping[str, StoredAudio], sums: Mapping[str, int], folder: Path
) -> Sequence[Entry]:
    """The chapters that are here, in the book's order, under names that sort in it."""
    width = len(str(len(book.chapters)))
    entries = []
    for number, chapter in enumerate(book.chapters, start=1):
        audio = audios.get(chapter.media_file_id)
        if audio is not None:
            name = _name(f"{number:0{width}} {chapter.name}.{audio.audio_format.lower()}")
            where = InFile(folder / audio.file_name, audio.offset, audio.size)
            entries.append(Entry(name, where, sums[audio.sha256]))
    return entries
