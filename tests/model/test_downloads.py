"""Which of the counts that a hotspot tells are believed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.downloads import TOLD_AT_ONCE, DownloadCount, believable, is_day


def count(day: str = "2026-11-22", package_id: str = "text", number: int = 1) -> DownloadCount:
    return DownloadCount(day=day, package_id=package_id, count=number)


@given(st.dates())
def test_every_day_is_one(day: date) -> None:
    assert is_day(day.isoformat())


@pytest.mark.parametrize("text", ["", "2026-02-30", "20261122", "2026-W47-7", "2026-11-22T10:00"])
def test_what_is_no_day_is_not_taken_for_one(text: str) -> None:
    assert not is_day(text)
    assert believable([count(day=text)]) == []


@pytest.mark.parametrize(
    "wrong", [count(number=0), count(number=-1), count(number=2**31), count(package_id="")]
)
def test_what_cannot_be_is_left_out(wrong: DownloadCount) -> None:
    assert believable([wrong, count("2026-11-21")]) == [count("2026-11-21")]


def test_text_that_no_database_takes_is_left_out() -> None:
    assert believable([count(package_id="a\x00b"), count(package_id="x" * 300)]) == []


def test_a_day_told_twice_is_taken_once() -> None:
    assert believable([count(number=2), count(number=5), count(number=3)]) == [count(number=5)]


def test_no_more_are_taken_than_an_honest_hotspot_tells() -> None:
    many = [count(package_id=f"p{number}") for number in range(TOLD_AT_ONCE + 50)]
    assert len(believable(many)) == TOLD_AT_ONCE
