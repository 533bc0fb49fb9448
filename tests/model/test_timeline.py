from hypothesis import given
from hypothesis import strategies as st

from hotspot.model import instants, timeline
from hotspot.model.timeline import NOTHING_DATES_IT, ROUGH_MS, Boot, Dated, Dating, Received, date
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


@given(st.integers(0, 10**6), st.integers(-(10**10), 10**10))
def test_the_senders_clock_cancels_out(age: int, offset: int) -> None:
    now, sender_now = at(10**7), at(10**7 + offset)
    stamp = instants.later(sender_now, -age)
    assert timeline.received(stamp, sender_now, now, synchronized=False) == Received(
        at(10**7 - age)
    )


def test_the_stamp_of_a_sender_that_knows_the_time_stands() -> None:
    stands = timeline.received(at(3), at(5), at(7), synchronized=True)
    assert stands == timeline.received(at(3), None, at(7), synchronized=False) == Received(at(3))


def test_what_is_ahead_is_clamped_and_what_is_far_ahead_is_noted() -> None:
    for sender_now, synchronized in ((at(7), False), (None, False), (at(9_000), True)):

        def clamp(ms: int, shown: str | None = sender_now, knows: bool = synchronized) -> Received:
            return timeline.received(at(ms), shown, at(7), synchronized=knows)

        assert clamp(1_007) == Received(at(7))
        assert clamp(1_008) == Received(at(7), clamped=True)


EDIT = Dating(boot_id="b", mono_ms=10_000, age_ms=4_000, sender_stamp=at(0))


def test_an_edit_of_a_boot_that_learned_the_time_is_dated_exactly() -> None:
    boot = Boot(after_ms=0, zero_ms=START_MS)
    assert date(EDIT, boot, START_MS) == date(EDIT, boot, START_MS + 10**9) == Dated(at(6_000))


def test_an_edit_of_a_boot_that_never_knew_has_its_senders_plausible_clock() -> None:
    def dated(after: int, began: int, edit: Dating = EDIT) -> Dated:
        return date(edit, Boot(START_MS + after), START_MS + began)

    assert dated(0, 4_000) == Dated(at(0), ROUGH_MS)
    assert dated(1, 4_000) == NOTHING_DATES_IT, "the stamp is from before what was known"
    assert dated(0, 3_999) == NOTHING_DATES_IT, "it was sent after this boot began"
    no_stamp = Dating(boot_id="b", mono_ms=1)
    assert dated(-(10**9), 10**9, no_stamp) == NOTHING_DATES_IT


def test_an_edit_of_unknown_age_is_dated_by_its_own_stamp_alone() -> None:
    edit = Dating(boot_id="b", mono_ms=10_000, age_ms=None, sender_stamp=at(0))
    this_boot = Boot(after_ms=START_MS - 1, zero_ms=START_MS - 10_000)
    assert date(edit, this_boot, START_MS - 10_000) == Dated(at(0), ROUGH_MS)
    received_before = Boot(after_ms=START_MS - 1, zero_ms=START_MS - 10_001)
    assert date(edit, received_before, START_MS - 10_001) == NOTHING_DATES_IT


def test_an_edit_of_a_boot_that_nobody_remembers_cannot_be_dated() -> None:
    assert date(EDIT, None, START_MS) == NOTHING_DATES_IT
