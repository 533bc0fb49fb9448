import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.limits import Bucket, Limits, Open, Rate, body_until, makes_room, take

RATE = Rate(burst=3, per_second=2)


def test_a_burst_and_then_a_rate() -> None:
    bucket: Bucket | None = None
    for _ in range(3):
        bucket, wait_s = take(bucket, RATE, 1_000)
        assert wait_s is None
    bucket, wait_s = take(bucket, RATE, 1_000)
    assert wait_s == pytest.approx(0.5)
    bucket, wait_s = take(bucket, RATE, 1_499)
    assert wait_s is not None
    assert take(bucket, RATE, 1_500)[1] is None


def test_what_may_not_be_done_costs_nothing() -> None:
    bucket, wait_s = take(Bucket(1, 0), RATE, 0, cost=2)
    assert wait_s == pytest.approx(0.5)
    assert take(bucket, RATE, 0)[1] is None


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=60))
def test_never_more_than_the_burst_and_the_rate(gaps: list[int]) -> None:
    bucket, now, done = None, 0, 0
    for gap in gaps:
        now += gap
        bucket, wait_s = take(bucket, RATE, now)
        assert 0 <= bucket.level <= RATE.burst
        done += wait_s is None
    assert done <= RATE.burst + RATE.per_second * (now - 0) / 1_000 + 1e-6


def test_a_clock_that_stood_still_gives_nothing() -> None:
    assert take(Bucket(0, 1_000), RATE, 900)[1] == pytest.approx(0.5)


def test_a_body_that_comes_on_has_longer() -> None:
    limits = Limits(body_s=10, body_rate=100)
    assert body_until(limits, 5.0, 0) == 15.0
    assert body_until(limits, 5.0, 1_000) == 25.0


def test_the_address_with_most_gives_up_what_waited_longest() -> None:
    greedy = [Open(n, "greedy", n == 1, 10.0 - n) for n in range(1, 4)]
    modest = [Open(9, "modest", False, 0.0)]
    assert makes_room([*modest, *greedy], "new") == greedy[2]


def test_the_newest_goes_where_all_are_being_answered() -> None:
    busy = [Open(n, "greedy", True, 0.0) for n in (1, 3, 2)]
    assert makes_room(busy, "new") == busy[1]


def test_who_has_most_makes_room_for_itself_or_gets_none() -> None:
    own = [Open(1, "greedy", True, 0.0), Open(2, "greedy", False, 5.0)]
    other = Open(3, "modest", False, 0.0)
    assert makes_room([*own, other], "greedy") == own[1]
    assert makes_room([own[0], Open(4, "greedy", True, 0.0), other], "greedy") is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 9)), max_size=12),
    st.sampled_from("abcd"),
)
def test_nobody_gives_up_a_connection_for_who_has_more(
    held: list[tuple[str, bool, float]], newcomer: str
) -> None:
    connections = [Open(n, *one) for n, one in enumerate(held)]
    gone = makes_room(connections, newcomer)
    had = [one.address for one in connections]
    if gone is not None and gone.address != newcomer:
        assert had.count(gone.address) > had.count(newcomer)
