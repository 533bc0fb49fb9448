"""What a package has for its readers, taken from its manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec


class _Structure(msgspec.Struct, frozen=True, rename="camel"):
    total_books: int = 0
    total_chapters: int = 0
    total_verses: int = 0


class _AudioFile(msgspec.Struct, frozen=True, rename="camel"):
    media_file_id: str
    start_verse_id: str
    duration: float = 0.0
    chapter_id: str | None = None


class _Manifest(msgspec.Struct, frozen=True, rename="camel"):
    bible_structure: _Structure = _Structure()
    audio_file_index: list[_AudioFile] = []


@dataclass(frozen=True, slots=True)
class Chapter:
    """One audio file. `name`: as a reader says it ('John 3'); `seconds`: how long it is."""

    media_file_id: str
    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Contents:
    """How much text there is, and the audio by books, in the package's order."""

    books: int
    chapters: int
    verses: int
    audio: Sequence[tuple[str, Sequence[Chapter]]]


NOTHING = Contents(0, 0, 0, ())


def read_manifest(manifest: bytes) -> Contents:
    """The contents that a manifest (JSON) tells of; NOTHING where it does not say them."""
    try:
        read = msgspec.json.decode(manifest, type=_Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return NOTHING
    structure = read.bible_structure
    by_book = groupby(read.audio_file_index, lambda file: _chapter_id(file).partition("-")[0])
    return Contents(
        structure.total_books,
        structure.total_chapters,
        structure.total_verses,
        [(_spoken(book), [_chapter(file) for file in files]) for book, files in by_book],
    )


def _chapter(file: _AudioFile) -> Chapter:
    return Chapter(file.media_file_id, _spoken(_chapter_id(file)), max(file.duration, 0.0))


def _chapter_id(file: _AudioFile) -> str:
    return file.chapter_id or file.start_verse_id.rpartition("-")[0]


def _spoken(reference: str) -> str:
    """'1john-3' as '1 John 3'."""
    book, _, chapter = reference.partition("-")
    number = book[:1] if book[:1].isdigit() else ""
    return f"{number} {book[len(number) :].capitalize()} {chapter}".strip()
