"""The page about sticks: what is under way is loaded again and again, and nothing is believed."""

import pytest

from hotspot.model.imports import ImportRecord, UnderWay
from hotspot.model.plan import ImportAction
from hotspot.model.progress import Progress
from hotspot.phones.imports import imports_page


def under_way(phase: str, progress: Progress | None) -> UnderWay:
    return UnderWay(job=1, source="psalms.bible", request="", phase=phase, progress=progress)


def record(sentence: str) -> ImportRecord:
    return ImportRecord(
        source="/stick/x.bible",
        action=ImportAction.REFUSED,
        sentence=sentence,
        at="2026-11-22T10:00:00.000Z",
    )


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (under_way("waiting", None), "psalms.bible waits."),
        (under_way("copying", Progress(10**6, 4 * 10**6, 1e6, 3.0)), "1 of 4 MB, 1.0 MB/s, 3 s"),
        (under_way("checking", Progress(4, 4)), "is being checked"),
    ],
)
def test_what_is_under_way_is_followed(one: UnderWay, says: str) -> None:
    page = imports_page([one], [])
    assert says in page
    assert '<meta http-equiv="refresh" content="3">' in page


def test_the_newest_comes_first_and_nothing_moves() -> None:
    page = imports_page([], [record("The first."), record("The second.")])
    assert page.index("The second.") < page.index("The first.")
    assert "http-equiv" not in page


def test_a_sticks_names_are_no_markup() -> None:
    page = imports_page([], [record("<script>alert(1)</script>.bible cannot be read.")])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_empty_page_says_so() -> None:
    assert "No package file was met yet." in imports_page([], [])
