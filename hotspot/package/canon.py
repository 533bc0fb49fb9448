"""The 66 books that every Bible shares, and what a set of verse ids says about a Bible's extent."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from hotspot.package.rows import VERSE_ID

_OLD = """
gen Genesis, exod Exodus, lev Leviticus, num Numbers, deut Deuteronomy, josh Joshua, judg Judges,
ruth Ruth, 1sam 1 Samuel, 2sam 2 Samuel, 1kgs 1 Kings, 2kgs 2 Kings, 1chr 1 Chronicles,
2chr 2 Chronicles, ezra Ezra, neh Nehemiah, esth Esther, job Job, ps Psalms, prov Proverbs,
eccl Ecclesiastes, song Song of Songs, isa Isaiah, jer Jeremiah, lam Lamentations, ezek Ezekiel,
dan Daniel, hos Hosea, joel Joel, amos Amos, obad Obadiah, jonah Jonah, mic Micah, nah Nahum,
hab Habakkuk, zeph Zephaniah, hag Haggai, zech Zechariah, mal Malachi
"""
_NEW = """
matt Matthew, mark Mark, luke Luke, john John, acts Acts, rom Romans, 1cor 1 Corinthians,
2cor 2 Corinthians, gal Galatians, eph Ephesians, phil Philippians, col Colossians,
1thess 1 Thessalonians, 2thess 2 Thessalonians, 1tim 1 Timothy, 2tim 2 Timothy, titus Titus,
phlm Philemon, heb Hebrews, jas James, 1pet 1 Peter, 2pet 2 Peter, 1john 1 John, 2john 2 John,
3john 3 John, jude Jude, rev Revelation
"""


@dataclass(frozen=True, slots=True)
class Book:
    """One book. `number` counts from 1; `testament` is 'old', 'new', or None outside the 66."""

    id: str
    name: str
    number: int
    testament: str | None


def _books() -> Iterable[Book]:
    number = 0
    for testament, listed in (("old", _OLD), ("new", _NEW)):
        for entry in listed.split(","):
            number += 1
            book_id, name = entry.split(maxsplit=1)
            yield Book(book_id, name.strip(), number, testament)


BOOKS = {book.id: book for book in _books()}


@dataclass(frozen=True, slots=True, order=True)
class Verse:
    """One verse, in the order of the Bible."""

    book_number: int
    chapter: int
    number: int
    book_id: str

    @property
    def id(self) -> str:
        return f"{self.chapter_id}-{self.number}"

    @property
    def chapter_id(self) -> str:
        return f"{self.book_id}-{self.chapter}"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter. `total_verses`: the highest verse number that occurs."""

    id: str
    number: int
    book_id: str
    total_verses: int


@dataclass(frozen=True, slots=True)
class Extent:
    """Which verses there are, and the chapters and books that they make up; each in order."""

    verses: tuple[Verse, ...]
    chapters: tuple[Chapter, ...]
    books: tuple[Book, ...]

    @property
    def testament(self) -> str | None:
        """'old', 'new' or 'both'; None where a book belongs to neither."""
        found = {book.testament for book in self.books}
        if found == {"old", "new"}:
            return "both"
        return found.pop() if len(found) == 1 else None


def extent_of(verse_ids: Collection[str]) -> Extent:
    """The extent of a set of verse ids. Raises ValueError for what is not one."""
    parts = []
    for verse_id in verse_ids:
        match = VERSE_ID.fullmatch(verse_id)
        if match is None:
            raise ValueError(f"{verse_id[:80]!r} is not the id of a verse, like john-3-16.")
        parts.append((match[1], int(match[2]), int(match[3])))
    books = _known({book_id for book_id, _, _ in parts})
    verses = sorted(
        Verse(books[book].number, chapter, verse, book) for book, chapter, verse in parts
    )
    last = {verse.chapter_id: verse for verse in verses}
    chapters = (Chapter(key, v.chapter, v.book_id, v.number) for key, v in last.items())
    ordered = sorted(books.values(), key=lambda book: book.number)
    return Extent(tuple(verses), tuple(chapters), tuple(ordered))


def _known(book_ids: Collection[str]) -> dict[str, Book]:
    """Books outside the 66 follow them, by their ids."""
    known = {book_id: BOOKS[book_id] for book_id in book_ids if book_id in BOOKS}
    others = sorted(book_id for book_id in book_ids if book_id not in BOOKS)
    for number, book_id in enumerate(others, start=len(BOOKS) + 1):
        known[book_id] = Book(book_id, book_id, number, None)
    return known
