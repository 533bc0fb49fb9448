"""What a light shows of all that goes on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.activity import (
    PATTERNS,
    Activity,
    Indication,
    StickState,
    sentence,
    settled,
)
from hotspot.model.plan import ImportAction

README = Path(__file__).parents[2] / "README.md"
IMPORTING, DONE = StickState.IMPORTING, StickState.DONE
FAILED, CUT_OFF = StickState.FAILED, StickState.CUT_OFF
INTERRUPTED = StickState.INTERRUPTED


@pytest.mark.parametrize(
    ("sticks", "shown"),
    [
        ({}, Indication.IDLE),
        ({"a": DONE}, Indication.SAFE_TO_REMOVE),
        ({"a": DONE, "b": IMPORTING}, Indication.IMPORTING),
        ({"a": FAILED, "b": IMPORTING}, Indication.IMPORTING),
        ({"a": FAILED, "b": DONE}, Indication.FAILED),
        ({"a": CUT_OFF}, Indication.FAILED),
        ({"a": INTERRUPTED, "b": DONE}, Indication.FAILED),
    ],
)
def test_what_matters_most_is_shown(sticks: dict[str, StickState], shown: Indication) -> None:
    assert Activity(sticks).indication(syncing=False) is shown


def test_syncing_is_shown_only_where_no_stick_is() -> None:
    assert Activity().indication(syncing=True) is Indication.SYNCING
    assert Activity({"a": DONE}).indication(syncing=True) is Indication.SAFE_TO_REMOVE


def test_a_stick_pulled_out_too_early_is_shown_until_one_comes() -> None:
    early = Activity().with_stick("a", IMPORTING).without("a")
    assert early.indication(syncing=False) is Indication.FAILED
    assert early.without("b").indication(syncing=False) is Indication.FAILED
    again = early.with_stick("b", DONE)
    assert again.indication(syncing=False) is Indication.SAFE_TO_REMOVE
    assert again.without("b").indication(syncing=False) is Indication.IDLE


def test_a_stick_that_is_gone_was_not_empty() -> None:
    assert settled([], there=True) is DONE
    assert settled([], there=False) is CUT_OFF
    assert settled([ImportAction.SAME], there=False) is CUT_OFF


def test_one_failed_package_is_a_failed_stick() -> None:
    assert settled([ImportAction.NEW, ImportAction.SAME], there=True) is DONE
    assert settled([ImportAction.NEW, ImportAction.REFUSED], there=True) is FAILED


def test_a_stick_that_could_not_be_read_to_its_end_is_to_come_back() -> None:
    state = settled([ImportAction.NEW, ImportAction.INTERRUPTED], there=True)
    assert state is INTERRUPTED
    gone = Activity({"a": state}).without("a")
    assert gone.indication(syncing=False) is Indication.FAILED
    assert Activity({"a": FAILED}).without("a").indication(syncing=False) is Indication.IDLE


def test_sentences_say_what_to_do() -> None:
    assert sentence("B", IMPORTING) == "The stick B is being read: leave it in."
    assert sentence("B", DONE) == "The stick B can be pulled out: no packages are on it."
    found = [ImportAction.NEW, ImportAction.SAME, ImportAction.REFUSED]
    assert sentence("B", FAILED, found) == (
        "The stick B can be pulled out: of 3 packages, 1 imported, 1 left alone, 1 failed."
    )


def test_every_indication_blinks_in_its_own_way() -> None:
    assert set(PATTERNS) == set(Indication)
    assert len(set(PATTERNS.values())) == len(PATTERNS)


states = st.sampled_from(list(StickState))
steps = st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), states)))


@given(steps)
def test_it_never_says_that_a_stick_may_go_that_is_being_read(
    said: list[tuple[str, StickState | None]],
) -> None:
    activity, present = Activity(), dict[str, StickState]()
    for device, state in said:
        if state is None:
            activity = activity.without(device)
            present.pop(device, None)
        else:
            activity = activity.with_stick(device, state)
            present[device] = state
    shown = activity.indication(syncing=False)
    assert (shown is Indication.IMPORTING) == (IMPORTING in present.values())
    if shown is Indication.SAFE_TO_REMOVE:
        assert set(present.values()) == {DONE}


@pytest.mark.parametrize("shown", Indication)
def test_the_readme_tells_how_each_indication_blinks(shown: Indication) -> None:
    pattern = PATTERNS[shown]
    steady = pattern.off_ms == 0
    told = "steady" if steady else f"{pattern.on_ms}/{pattern.off_ms}"
    assert f"| `{shown}` | {told} |" in README.read_text()
