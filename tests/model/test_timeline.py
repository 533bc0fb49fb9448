from hypothesis import given
from hypothesis import strategies as st

from hotspot.model import instants, timeline
from hotspot.model.timeline import Dating
from tests.model.builders import START_MS, at

MS = st.integers(0, 10**12)


def test_a_boot_without_a_clock_goes_on_from_what_is_known_to_be_past() -> None:
    begun = timeline.start(START_MS, mono_ms=500)
    assert (begun.at(1_500), begun.trusted) == (START_MS + 1_000, False)


def test_a_clock_that_is_right_is_believed_but_never_behind_the_floor() -> None:
    assert timeline.start(START_MS, 0, START_MS + 9).trusted
    assert timeline.start(START_MS, 0, START_MS - 9) == timeline.start(START_MS, 0)


@given(MS, MS, st.lists(st.tuples(MS, st.integers(0, 10**6)), max_size=8))
def test_the_timeline_never_goes_back(floor: int, mono: int, told: list[tuple[int, int]]) -> None:
    line, last = timeline.start(floor, mono), floor
    for told_ms, passed in told:
        mono += passed
        line = timeline.learn(line, told_ms, mono)
        assert line.trusted
        assert line.at(mono) >= max(last, told_ms)
        last = line.at(mono)


def test_an_edit_of_this_boot_is_dated_exactly_once_the_time_is_known() -> None:
    begun = timeline.start(0, mono_ms=0)
    dating = Dating(boot_id="this", mono_ms=10_000, age_ms=4_000)
    known = timeline.learn(begun, START_MS, mono_ms=60_000)
    stale = instants.from_ms(6_000)
    assert timeline.dated(stale, dating, known, "this") == at(-54_000)
    assert timeline.dated(stale, dating, known, "another") == stale
    assert timeline.dated(stale, None, known, "this") == stale


@given(st.integers(0, 10**6), st.integers(-(10**10), 10**10))
def test_the_senders_clock_cancels_out(age: int, offset: int) -> None:
    now, sender_now = at(10**7), at(10**7 + offset)
    stamp = instants.later(sender_now, -age)
    assert timeline.received(stamp, sender_now, now, synchronized=False) == at(10**7 - age)


def test_what_is_ahead_is_clamped() -> None:
    assert timeline.received(at(9), at(5), at(7), synchronized=False) == at(7)
    assert timeline.received(at(9), None, at(7), synchronized=False) == at(7)
    assert timeline.received(at(3), None, at(7), synchronized=False) == at(3)
