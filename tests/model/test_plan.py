import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.plan import RESERVE_BYTES, Found, Held, ImportAction, plan_import, version_of

FOUND = Found(package_id="eng-kjv", version="1.10", size=1_000_000, database_size=100_000)
NEEDED = 1_000_000 + 3 * 100_000 + RESERVE_BYTES


@pytest.mark.parametrize(
    ("held", "action"),
    [
        (None, ImportAction.NEW),
        ("1.9", ImportAction.NEWER),
        ("1.10", ImportAction.SAME),
        ("1.10.0", ImportAction.SAME),
        ("1.10.1", ImportAction.OLDER),
        ("2", ImportAction.OLDER),
    ],
)
def test_versions_are_compared_as_numbers(held: str | None, action: ImportAction) -> None:
    plan = plan_import(FOUND, Held(held) if held else None, 10**12)
    assert plan.action is action
    assert plan.sentence.endswith(".")


def test_the_reserve_is_never_eaten() -> None:
    assert plan_import(FOUND, None, NEEDED).action is ImportAction.NEW
    short = plan_import(FOUND, None, NEEDED - 1_000_000)
    assert short.action is ImportAction.NO_SPACE
    assert "1 MB more room" in short.sentence


def test_what_is_copied_already_needs_no_room_again() -> None:
    found = Found(
        package_id="a", version="1", size=1_000_000, database_size=100_000, copied=400_000
    )
    assert plan_import(found, None, NEEDED - 400_000).action is ImportAction.NEW
    assert plan_import(found, None, NEEDED - 400_001).action is ImportAction.NO_SPACE


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_trailing_zeros_say_nothing(parts: list[int]) -> None:
    text = ".".join(map(str, parts))
    assert version_of(text) == version_of(text + ".0")


@pytest.mark.parametrize("text", ["", ".", "1.", "v1", "1.-2", "1.٣", "1" * 61])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        version_of(text)
