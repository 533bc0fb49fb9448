"""The rows that a spec makes. Every id follows from the input, so it stays from build to build."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

from msgspec.structs import asdict

from hotspot.model import instants
from hotspot.model.tables import (
    AUDIO_VERSIONS,
    CONTEXT_TABLES,
    MEDIA_FILES,
    MEDIA_FILES_VERSES,
    TEXT_VERSIONS,
    VERSE_TEXTS,
    ScopeKind,
    Table,
)
from hotspot.package import database
from hotspot.package.canon import Extent, extent_of
from hotspot.package.checking import Values
from hotspot.package.rows import Bounds, check_row
from hotspot.package.spec import Audio, Chapter, Spec, Text

_Raw = dict[str, object]
"""One row by its columns, without stamps, before it is checked."""
_VERSES = ("verse_id", "start_verse_id", "end_verse_id")


@dataclass(frozen=True, slots=True)
class Recording:
    """The bytes of one audio file."""

    size: int
    sha256: str


def write_database(spec: Spec, recordings: Sequence[Recording], path: Path) -> Extent:
    """Writes a package's database section to the new file `path`; the verses it is about.

    `recordings`: of the audio files, in the order of the chapters. Raises PackageRefused for a row
    that a hotspot would not accept.
    """
    seen: set[str] = set()
    with database.create_source(path) as target:

        def put(table: Table, rows: Iterable[_Raw]) -> None:
            target.insert(table, _checked(spec, table, rows, seen))

        target.create_tables()
        if spec.text:
            put(TEXT_VERSIONS, [_version(spec, spec.text)])
            put(VERSE_TEXTS, _verse_texts(spec.text))
        if spec.audio:
            written = frozenset(seen)
            put(AUDIO_VERSIONS, [_version(spec, spec.audio)])
            put(MEDIA_FILES, _media_files(spec, spec.audio, recordings))
            put(MEDIA_FILES_VERSES, _timings(spec.audio, spec.text, written))
        extent = extent_of(seen)
        for table, rows in _context(spec, extent):
            put(table, rows)
    return extent


def _checked(spec: Spec, table: Table, rows: Iterable[_Raw], seen: set[str]) -> Iterator[Values]:
    """The rows as a hotspot will read them; notes in `seen` which verses they name."""
    stamp = spec.updated_at or spec.created_at
    stamps = {"created_at": stamp, "created_by": spec.created_by, "updated_at": stamp}
    versions = {
        ScopeKind.TEXT: spec.text.id if spec.text else None,
        ScopeKind.AUDIO: spec.audio.id if spec.audio else None,
    }
    bounds = Bounds(instants.parse(spec.created_at), versions)
    for raw in rows:
        yield check_row(table, {**raw, **stamps}, bounds).values
        seen.update(str(raw[name]) for name in _VERSES if name in raw)


def text_id(version_id: str, verse_id: str) -> str:
    """The id of a verse's text: the same in every package that has it."""
    return str(uuid5(UUID(version_id), verse_id))


def media_id(version_id: str, chapter: Chapter) -> str:
    """The id of an audio file: it stays when the file is recorded anew."""
    return str(uuid5(UUID(version_id), chapter.start_verse_id))


def _version(spec: Spec, of: Text | Audio) -> _Raw:
    """The row of a text version or an audio version."""
    row: _Raw = {
        "id": of.id,
        "language_entity_id": spec.language.id,
        "bible_version_id": spec.bible_version.id,
        "name": of.name,
    }
    return {**row, "text_version_source": of.source} if isinstance(of, Text) else row


def _verse_texts(text: Text) -> Iterator[_Raw]:
    """The rows of a text's verses, as they come."""
    for verse_id, verse_text in text.verses:
        yield {
            "id": text_id(text.id, verse_id),
            "verse_id": verse_id,
            "text_version_id": text.id,
            "verse_text": verse_text,
            "version": 1,
            "publish_status": "published",
        }


def _media_files(spec: Spec, audio: Audio, recordings: Sequence[Recording]) -> Iterator[_Raw]:
    """The rows of the audio files; an object key names the recording by its hash."""
    for chapter, recording in zip(audio.chapters, recordings, strict=True):
        yield {
            "id": media_id(audio.id, chapter),
            "language_entity_id": spec.language.id,
            "audio_version_id": audio.id,
            "chapter_id": chapter.chapter_id,
            "media_type": "audio",
            "object_key": f"{recording.sha256}.{chapter.format}",
            "original_filename": chapter.path.name,
            "file_type": chapter.format,
            "file_size": recording.size,
            "duration_seconds": chapter.duration_seconds,
            "is_bible_audio": True,
            "upload_status": "completed",
            "publish_status": "published",
            "check_status": "approved",
            "version": 1,
            "start_verse_id": chapter.start_verse_id,
            "end_verse_id": chapter.end_verse_id,
        }


def _timings(audio: Audio, text: Text | None, written: Collection[str]) -> Iterator[_Raw]:
    """Where each verse begins; it refers to the verse's text if that is among the ids `written`."""
    for chapter in audio.chapters:
        file_id = media_id(audio.id, chapter)
        for timing in chapter.verses:
            linked = text is not None and timing.verse_id in written
            yield {
                "id": str(uuid5(UUID(file_id), timing.verse_id)),
                "media_file_id": file_id,
                "verse_id": timing.verse_id,
                "start_time_seconds": timing.start_time_seconds,
                "duration_seconds": timing.duration_seconds,
                "verse_text_id": text_id(text.id, timing.verse_id) if text and linked else None,
                "denormalized_audio_version_id": audio.id,
            }


def _context(spec: Spec, extent: Extent) -> Iterator[tuple[Table, list[_Raw]]]:
    """Names for what the other rows refer to."""
    rows: dict[str, list[_Raw]] = {
        "language_entities": [asdict(spec.language)],
        "bible_versions": [asdict(spec.bible_version)],
        "books": [
            {
                "id": book.id,
                "name": book.name,
                "book_number": book.number,
                "bible_version_id": spec.bible_version.id,
                "testament": book.testament,
            }
            for book in extent.books
        ],
        "chapters": [
            {
                "id": chapter.id,
                "chapter_number": chapter.number,
                "book_id": chapter.book_id,
                "total_verses": chapter.total_verses,
            }
            for chapter in extent.chapters
        ],
        "verses": [
            {"id": verse.id, "chapter_id": verse.chapter_id, "verse_number": verse.number}
            for verse in extent.verses
        ],
    }
    for table in CONTEXT_TABLES:
        if table.name in rows:
            yield table, rows[table.name]
