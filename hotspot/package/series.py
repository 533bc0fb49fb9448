"""Splitting what is to be packed into the parts of a series, book by book."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from hotspot.errors import BadRequest
from hotspot.package.canon import Book, extent_of
from hotspot.package.manifest import ContentRange, SeriesInfo
from hotspot.package.spec import Chapter, Spec

BY_TESTAMENT = "testament"
BY_SIZE = "size"
_VERSE_BYTES = 280
"""What a verse takes in a package besides its text."""


@dataclass
class _Piece:
    """One book of what is to be packed. `size`: about the bytes that it takes."""

    book: Book
    verses: list[tuple[str, str]] = field(default_factory=list)
    chapters: list[Chapter] = field(default_factory=list)
    size: int = 0


def split(spec: Spec, most_bytes: int | None = None) -> list[Spec]:
    """The parts of a series: one for each testament, or of about `most_bytes` at the most.

    A book is never divided. What makes one part only is no series, and comes back as it is.
    All verses are in memory. Raises BadRequest for a verse or chapter whose id is not one, and
    OSError where an audio file is not there.
    """
    pieces = _pieces(spec)
    if most_bytes is None:
        groups = [list(some) for _, some in groupby(pieces, lambda one: one.book.testament)]
    else:
        groups = list(_groups(pieces, most_bytes))
    if len(groups) < 2:
        return [_holding(spec, pieces)]
    how = BY_TESTAMENT if most_bytes is None else BY_SIZE
    return [_part(spec, groups, number, how) for number in range(1, len(groups) + 1)]


def _pieces(spec: Spec) -> list[_Piece]:
    verses = list(spec.text.verses) if spec.text else []
    chapters = spec.audio.chapters if spec.audio else ()
    try:
        extent = extent_of({id_ for id_, _ in verses} | {one.start_verse_id for one in chapters})
    except ValueError as error:
        raise BadRequest(str(error)) from None
    pieces = {book.id: _Piece(book) for book in extent.books}
    for verse_id, text in verses:
        piece = pieces[verse_id.partition("-")[0]]
        piece.verses.append((verse_id, text))
        piece.size += _VERSE_BYTES + len(text.encode())
    for chapter in chapters:
        piece = pieces[chapter.start_verse_id.partition("-")[0]]
        piece.chapters.append(chapter)
        piece.size += chapter.path.stat().st_size
    return list(pieces.values())


def _groups(pieces: Sequence[_Piece], most_bytes: int) -> Iterator[list[_Piece]]:
    group: list[_Piece] = []
    for piece in pieces:
        if group and sum(one.size for one in group) + piece.size > most_bytes:
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _part(spec: Spec, groups: Sequence[Sequence[_Piece]], number: int, how: str) -> Spec:
    pieces = groups[number - 1]
    first, last = pieces[0].book, pieces[-1].book
    names = [version.name for version in (spec.text, spec.audio) if version is not None]
    series = SeriesInfo(
        series_id=spec.package_id,
        series_name=names[0],
        part_number=number,
        total_parts=len(groups),
        chunking_strategy=how,
        is_complete=True,
        estimated_series_size_mb=round(sum(one.size for some in groups for one in some) / 1e6, 2),
        content_range=ContentRange(
            start_book=first.id,
            end_book=last.id,
            description=first.name if first == last else f"{first.name} to {last.name}",
        ),
    )
    package_id = f"{spec.package_id}-part{number}"
    return replace(_holding(spec, pieces), package_id=package_id, series=series)


def _holding(spec: Spec, pieces: Sequence[_Piece]) -> Spec:
    """The same of these books alone; a version of which there is nothing in them is left out."""
    verses = [verse for piece in pieces for verse in piece.verses]
    chapters = [chapter for piece in pieces for chapter in piece.chapters]
    return replace(
        spec,
        text=replace(spec.text, verses=verses) if spec.text and verses else None,
        audio=replace(spec.audio, chapters=chapters) if spec.audio and chapters else None,
    )
