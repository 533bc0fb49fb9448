"""Building a package: the same input gives the same bytes, and never much of it is in memory."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from hotspot.errors import BadRequest
from hotspot.model import instants
from hotspot.package import layout
from hotspot.package.canon import Extent
from hotspot.package.content import Recording, media_id, write_database
from hotspot.package.layout import HEADER_SIZE, Header
from hotspot.package.manifest import (
    AudioFile,
    BibleStructure,
    Manifest,
    check_audio,
    check_series,
    check_type,
    parse_manifest,
)
from hotspot.package.spec import Audio, Chapter, Spec

_CHUNK = 1 << 20


def build(spec: Spec, out: Path) -> Manifest:
    """Builds the package at `out`; what was there is replaced once the new one is on disk.

    Blocks. Raises BadRequest for a spec that makes no package, PackageRefused for content that no
    hotspot would accept, and OSError where a file cannot be read or written.
    """
    _check_spec(spec)
    chapters = spec.audio.chapters if spec.audio else ()
    with _scratch(out, ".database") as source, _scratch(out, ".part") as part:
        extent = write_database(spec, [_recording(one.path) for one in chapters], source)
        sections = _hash(source, spec.audio)
        raw = msgspec.json.encode(_manifest(spec, extent, sections))
        manifest = parse_manifest(raw)
        check_type(manifest, spec.package_type)
        check_series(manifest)
        check_audio(manifest, sections.audio_size)
        _assemble(part, spec, raw, sections, [source, *(one.path for one in chapters)])
        part.replace(out)
        _sync_folder(out.parent)
    return manifest


def _check_spec(spec: Spec) -> None:
    if spec.text is None and spec.audio is None:
        raise BadRequest("A package needs a text, or audio, or both.")
    for name, value in (("created_at", spec.created_at), ("updated_at", spec.updated_at)):
        try:
            instants.parse(value or spec.created_at)
        except ValueError:
            raise BadRequest(f"{name} is {value!r}, which is not a date and time.") from None


@contextmanager
def _scratch(out: Path, suffix: str) -> Iterator[Path]:
    path = out.with_name(f".{out.name}{suffix}")
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Sections:
    """Sizes and hashes of the database and audio sections, and where each audio file lies."""

    database_size: int
    database_hash: str
    audio_size: int
    audio_hash: str | None
    total_hash: str
    index: list[AudioFile]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _recording(path: Path) -> Recording:
    digest, size = sha256(), 0
    for chunk in _chunks(path):
        digest.update(chunk)
        size += len(chunk)
    return Recording(size, digest.hexdigest())


def _hash(source: Path, audio: Audio | None) -> _Sections:
    whole, sound, database = sha256(), sha256(), sha256()
    for chunk in _chunks(source):
        whole.update(chunk)
        database.update(chunk)
    index: list[AudioFile] = []
    offset = 0
    for version_id, chapter in _chapters(audio):
        own, size = sha256(), 0
        for chunk in _chunks(chapter.path):
            for digest in (whole, sound, own):
                digest.update(chunk)
            size += len(chunk)
        index.append(_entry(version_id, chapter, offset, size, own.hexdigest()))
        offset += size
    return _Sections(
        source.stat().st_size,
        database.hexdigest(),
        offset,
        sound.hexdigest() if audio else None,
        whole.hexdigest(),
        index,
    )


def _chapters(audio: Audio | None) -> list[tuple[str, Chapter]]:
    return [(audio.id, chapter) for chapter in audio.chapters] if audio else []


def _entry(version_id: str, chapter: Chapter, offset: int, size: int, digest: str) -> AudioFile:
    return AudioFile(
        file_name=chapter.path.name,
        media_file_id=media_id(version_id, chapter),
        offset=offset,
        size=size,
        sha256=digest,
        start_verse_id=chapter.start_verse_id,
        end_verse_id=chapter.end_verse_id,
        chapter_id=chapter.chapter_id,
        book_id=chapter.chapter_id.rpartition("-")[0],
        duration=chapter.duration_seconds,
        format=chapter.format,
        bitrate=chapter.bitrate,
        sample_rate=chapter.sample_rate,
        has_verse_timings=bool(chapter.verses),
        verse_count=len(chapter.verses),
    )


def _manifest(spec: Spec, extent: Extent, sections: _Sections) -> Manifest:
    formats = {entry.format for entry in sections.index}
    return Manifest(
        package_id=spec.package_id,
        package_version=spec.package_version,
        package_type=spec.package_type.value,
        created_at=instants.parse(spec.created_at),
        created_by=spec.created_by,
        language_entity_id=spec.language.id,
        bible_version_id=spec.bible_version.id,
        audio_version_id=spec.audio.id if spec.audio else None,
        text_version_id=spec.text.id if spec.text else None,
        estimated_size_mb=round((sections.database_size + sections.audio_size) / 1e6, 2),
        total_files=len(sections.index),
        audio_format=formats.pop() if len(formats) == 1 else None,
        includes_verse_timings=any(entry.has_verse_timings for entry in sections.index),
        includes_total_verses=len(extent.verses),
        includes_books=[book.id for book in extent.books],
        min_app_version=spec.min_app_version,
        conflicts_with=list(spec.conflicts_with),
        supersedes=spec.supersedes,
        audio_file_index=sections.index,
        database_hash=sections.database_hash,
        audio_data_hash=sections.audio_hash,
        total_content_hash=sections.total_hash,
        bible_structure=BibleStructure(
            total_books=len(extent.books),
            total_chapters=len(extent.chapters),
            total_verses=len(extent.verses),
            testament=extent.testament,
        ),
        series_info=spec.series,
    )


def _assemble(
    part: Path, spec: Spec, manifest: bytes, sections: _Sections, files: Sequence[Path]
) -> None:
    """Writes the package to `part`, and returns when it is on disk."""
    digest = sha256(manifest)
    with part.open("wb") as out:
        out.write(bytes(HEADER_SIZE) + manifest)
        for file in files:
            for chunk in _chunks(file):
                out.write(chunk)
                digest.update(chunk)
        header = Header(
            spec.package_type,
            len(manifest),
            sections.database_size,
            sections.audio_size,
            digest.digest(),
        )
        if out.tell() != header.size:
            raise BadRequest("An audio file changed while the package was built: build it again.")
        out.seek(0)
        out.write(layout.pack(header))
        out.flush()
        os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
