"""When syncing needs a person, and what is told about it."""

import pytest

from hotspot.model import health
from hotspot.model.health import Alert


@pytest.mark.parametrize(
    ("pending", "failed", "codes"),
    [
        (0, 0, []),
        (100, 10, []),
        (101, 10, ["pending_packages"]),
        (100, 11, ["failed_syncs"]),
        (101, 11, ["pending_packages", "failed_syncs"]),
    ],
)
def test_the_thresholds(pending: int, failed: int, codes: list[str]) -> None:
    assert [alert.code for alert in health.alerts(pending, failed)] == codes


def test_an_alert_says_how_many() -> None:
    pending, failed = health.alerts(123, 45)
    assert pending.message.startswith("123 packages")
    assert failed.message.startswith("45 sessions")


def test_an_alert_whose_numbers_moved_is_the_same_one() -> None:
    before, after = health.alerts(101, 0), health.alerts(102, 0)
    change = health.compare(before, after)
    assert (change.begun, change.ended) == ((), ())


def test_what_began_and_what_ended() -> None:
    before = (Alert("a", "A is wrong."), Alert("b", "B is wrong."))
    after = (Alert("b", "B is worse."), Alert("c", "C is wrong."))
    change = health.compare(before, after)
    assert (change.begun, change.ended) == ((after[1],), (before[0],))
