"""Waiting between attempts: longer and longer, never too long, never for ever, never in step."""

from hypothesis import given
from hypothesis import strategies as st

from hotspot.model import backoff

failures = st.integers(min_value=1, max_value=10**9)
chances = st.floats(min_value=0, max_value=1)


@given(failures, chances)
def test_a_wait_is_never_longer_than_the_longest_and_never_nothing(
    count: int, chance: float
) -> None:
    assert backoff.FIRST_S / 2 <= backoff.delay(count, chance) <= backoff.LONGEST_S


@given(failures, failures, chances)
def test_more_failures_never_shorten_the_wait(one: int, other: int, chance: float) -> None:
    fewer, more = sorted((one, other))
    assert backoff.delay(fewer, chance) <= backoff.delay(more, chance)


@given(failures)
def test_chance_spreads_the_wait_over_half_of_it(count: int) -> None:
    assert backoff.delay(count, 1) == backoff.delay(count, 0) / 2


def test_the_wait_doubles_up_to_the_longest() -> None:
    waits = [backoff.delay(count, 0) for count in range(1, 12)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
