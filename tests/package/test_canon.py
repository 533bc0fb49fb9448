import pytest

from hotspot.package.canon import BOOKS, extent_of


def test_the_66_books_are_there_in_order() -> None:
    assert [book.number for book in BOOKS.values()] == list(range(1, 67))
    assert [book for book in BOOKS if BOOKS[book].number in (1, 39, 40, 66)] == [
        "gen",
        "mal",
        "matt",
        "rev",
    ]
    assert sum(book.testament == "old" for book in BOOKS.values()) == 39
    assert (BOOKS["1sam"].name, BOOKS["song"].name) == ("1 Samuel", "Song of Songs")


def test_verses_come_in_the_order_of_the_bible() -> None:
    extent = extent_of({"matt-10-2", "matt-9-10", "ps-119-9", "ps-119-10", "gen-1-1"})
    ids = [verse.id for verse in extent.verses]
    assert ids == ["gen-1-1", "ps-119-9", "ps-119-10", "matt-9-10", "matt-10-2"]
    assert [(one.id, one.total_verses) for one in extent.chapters] == [
        ("gen-1", 1),
        ("ps-119", 10),
        ("matt-9", 10),
        ("matt-10", 2),
    ]
    assert [book.id for book in extent.books] == ["gen", "ps", "matt"]


def test_books_outside_the_66_follow_them() -> None:
    extent = extent_of({"tob-1-1", "rev-1-1", "1macc-1-1"})
    assert [(book.id, book.number) for book in extent.books] == [
        ("rev", 66),
        ("1macc", 67),
        ("tob", 68),
    ]


@pytest.mark.parametrize(
    ("ids", "testament"),
    [
        ({"gen-1-1"}, "old"),
        ({"rev-1-1"}, "new"),
        ({"gen-1-1", "rev-1-1"}, "both"),
        ({"gen-1-1", "tob-1-1"}, None),
        (set(), None),
    ],
)
def test_the_testament_is_told(ids: set[str], testament: str | None) -> None:
    assert extent_of(ids).testament == testament


def test_what_is_no_verse_is_refused() -> None:
    with pytest.raises(ValueError, match="'john-3' is not the id of a verse"):
        extent_of({"john-3"})
