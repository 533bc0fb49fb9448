"""Sessions that fail make the next one wait; who asks for patience gets it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import TryLater, UpstreamUnreachable
from hotspot.model import backoff
from hotspot.model.pace import PATIENCE_S, Pace

chances = st.floats(min_value=0, max_value=1)
AWAY = UpstreamUnreachable("It is away.")


def after(*errors: Exception | None, now_s: float = 100.0) -> Pace:
    pace = Pace()
    for error in errors:
        pace = pace.after(error, now_s, 0.0)  # type: ignore[arg-type]
    return pace


def test_after_success_the_next_may_begin_at_once() -> None:
    assert after(AWAY, AWAY, None).wait_s(100.0) == 0


@given(st.integers(1, 2_000), chances)
def test_it_waits_longer_after_each_failure_and_never_gives_up(
    failures: int, chance: float
) -> None:
    pace = Pace(failures=failures - 1).after(AWAY, 100.0, chance)
    assert pace.wait_s(100.0) == pytest.approx(backoff.delay(failures, chance))
    assert pace.wait_s(100.0 + backoff.LONGEST_S) == 0


def test_a_change_of_the_network_cuts_a_wait_short_but_not_what_a_server_asked_for() -> None:
    assert after(AWAY, AWAY).cut_short() == Pace()
    asked = after(TryLater("Later.", 30.0))
    assert asked.cut_short().wait_s(100.0) == 30.0
    unspecific = after(TryLater("Later."))
    assert unspecific.cut_short().wait_s(100.0) == 0


@pytest.mark.parametrize(("asked", "waited"), [(0.0, 0.0), (30.0, 30.0), (1e12, PATIENCE_S)])
def test_a_server_is_obeyed_within_reason(asked: float, waited: float) -> None:
    assert after(TryLater("Later.", asked)).wait_s(100.0) == waited
