"""Rates and times left are of what was seen, and of nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.progress import WINDOW_S, Pace, Progress, in_words

MB = 1_000_000


def test_a_steady_copy_ends_when_it_says() -> None:
    pace = Pace(100 * MB)
    for second in range(5):
        seen = pace.at(1000.0 + second, second * 10 * MB)
    assert seen == Progress(40 * MB, 100 * MB, 10 * MB, 6.0)


def test_nothing_is_said_before_it_is_known() -> None:
    pace = Pace(100)
    assert pace.at(5.0, 40) == Progress(40, 100)
    assert pace.at(5.1, 60) == Progress(60, 100)
    assert pace.at(9.0, 40).rate is None


def test_a_stick_that_becomes_slow_is_noticed() -> None:
    pace = Pace(1000 * MB)
    for second in range(30):
        pace.at(float(second), second * 20 * MB)
    for second in range(30, 45):
        seen = pace.at(float(second), 580 * MB + (second - 29) * MB)
    assert seen.rate == pytest.approx(MB)
    assert seen.left_s == pytest.approx(405)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50 * MB)), min_size=1, max_size=60))
def test_an_estimate_is_never_absurd(steps: list[tuple[float, int]]) -> None:
    total = sum(more for _, more in steps)
    pace, now, done = Pace(total), 0.0, 0
    for wait, more in steps:
        now, done = now + wait, done + more
        seen = pace.at(now, done)
        assert (seen.rate is None) == (seen.left_s is None)
        assert seen.rate is None or seen.rate > 0
        assert seen.left_s is None or seen.left_s >= 0
    assert seen.left_s in (None, 0.0)
    assert WINDOW_S > 1


@pytest.mark.parametrize(
    ("left", "words"), [(48.2, "48 s"), (600, "10 min"), (3 * 3600, "3.0 h"), (None, "")]
)
def test_it_is_said_in_words(left: float | None, words: str) -> None:
    rate = None if left is None else 7.5 * MB
    said = in_words(Progress(120 * MB, 480 * MB, rate, left))
    more = f", 7.5 MB/s, {words} left" if words else ""
    assert said == f"120 of 480 MB{more}"
