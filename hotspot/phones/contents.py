"""What a package has for its readers, taken from its manifest."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hotspot.package.canon import BOOKS


class _Structure(msgspec.Struct, frozen=True, rename="camel"):
    total_books: int = 0
    total_chapters: int = 0
    total_verses: int = 0


class _AudioFile(msgspec.Struct, frozen=True, rename="camel"):
    media_file_id: str
    start_verse_id: str
    duration: float = 0.0
    size: int = 0
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
class Book:
    """The audio of one book. `id`: as in verse ids; `size`: bytes, where the manifest says it."""

    id: str
    name: str
    chapters: Sequence[Chapter]
    size: int

    @property
    def media_file_ids(self) -> list[str]:
        return [chapter.media_file_id for chapter in self.chapters]


@dataclass(frozen=True, slots=True)
class Contents:
    """How much text there is, and the audio by books, in the package's order."""

    books: int
    chapters: int
    verses: int
    audio: Sequence[Book]


NOTHING = Contents(0, 0, 0, ())


def read_manifest(manifest: bytes) -> Contents:
    """The contents that a manifest (JSON) tells of; NOTHING where it does not say them."""
    try:
        read = msgspec.json.decode(manifest, type=_Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return NOTHING
    structure = read.bible_structure
    by_book: dict[str, list[_AudioFile]] = {}
    for file in read.audio_file_index:
        by_book.setdefault(_chapter_id(file).partition("-")[0], []).append(file)
    return Contents(
        structure.total_books,
        structure.total_chapters,
        structure.total_verses,
        [_book(book_id, files) for book_id, files in by_book.items()],
    )


def _book(book_id: str, files: Sequence[_AudioFile]) -> Book:
    size = sum(max(file.size, 0) for file in files)
    return Book(book_id, _book_name(book_id), [_chapter(file) for file in files], size)


def _chapter(file: _AudioFile) -> Chapter:
    return Chapter(file.media_file_id, _spoken(_chapter_id(file)), max(file.duration, 0.0))


def _chapter_id(file: _AudioFile) -> str:
    return file.chapter_id or file.start_verse_id.rpartition("-")[0]


def _spoken(chapter_id: str) -> str:
    """'1john-3' as '1 John 3'."""
    book_id, _, chapter = chapter_id.partition("-")
    return f"{_book_name(book_id)} {chapter}".strip()


def _book_name(book_id: str) -> str:
    """'ps' as 'Psalms'; books outside the 66 by their ids."""
    return BOOKS[book_id].name if book_id in BOOKS else book_id.capitalize()
