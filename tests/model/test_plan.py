"""What becomes of a package is decided before a byte of it is copied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotspot.model.plan import (
    APP_VERSION,
    RESERVE_BYTES,
    Found,
    Held,
    ImportAction,
    ImportPlan,
    Room,
    excluded,
    plan_import,
    replaced,
    version_of,
)
from hotspot.model.series import Part, missing_parts

FOUND = Found(package_id="eng-kjv", version="1.10", size=1_000_000, database_size=100_000)
NEEDED = 1_000_000 + 3 * 100_000 + RESERVE_BYTES
PLENTY = Room(10**12)
MB = 1_000_000


def held(package_id: str, version: str = "1", **more: object) -> Held:
    return replace(Held(package_id=package_id, version=version), **more)


def part(number: int, of: int = 3, needs: tuple[str, ...] = ()) -> Part:
    return Part(series_id="whole", series_name="The Bible", number=number, of=of, needs=needs)


def planned(*here: Held, room: Room = PLENTY, **found: object) -> ImportPlan:
    plan = plan_import(replace(FOUND, **found), here, room)
    assert plan.sentence.startswith("Package eng-kjv version ") and plan.sentence.endswith(".")
    assert plan.action.imports or not (plan.give_up or plan.drop_cut_copies)
    return plan


@pytest.mark.parametrize(
    ("version", "action"),
    [
        (None, ImportAction.NEW),
        ("1.9", ImportAction.NEWER),
        ("1.10", ImportAction.SAME),
        ("1.10.0", ImportAction.SAME),
        ("1.10.1", ImportAction.OLDER),
        ("2", ImportAction.OLDER),
    ],
)
def test_versions_are_compared_as_numbers(version: str | None, action: ImportAction) -> None:
    here = [held("other", "9")] + ([held("eng-kjv", version)] if version else [])
    assert planned(*here).action is action


def test_the_reserve_is_never_eaten() -> None:
    assert planned(room=Room(NEEDED)).action is ImportAction.NEW
    short = planned(room=Room(NEEDED - 1_000_000))
    assert short.action is ImportAction.NO_SPACE
    assert "1.0 MB more room" in short.sentence
    assert planned(room=Room(NEEDED, RESERVE_BYTES + 1)).action is ImportAction.NO_SPACE


def test_what_is_copied_already_needs_no_room_again() -> None:
    assert planned(copied=400_000, room=Room(NEEDED - 400_000)).action is ImportAction.NEW
    assert planned(copied=400_000, room=Room(NEEDED - 400_001)).action is ImportAction.NO_SPACE
    assert planned(copied=9 * MB, room=Room(NEEDED - 1_000_001)).action is ImportAction.NO_SPACE


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        (APP_VERSION, ImportAction.NEW),
        ("0.9.9", ImportAction.NEW),
        ("1.0.0.1", ImportAction.TOO_NEW),
        ("10", ImportAction.TOO_NEW),
        ("next year's", ImportAction.NEW),
    ],
)
def test_what_is_made_for_a_newer_application_waits_for_it(
    asked: str, action: ImportAction
) -> None:
    plan = planned(app_version=asked)
    assert plan.action is action
    assert ("update the hotspot's software" in plan.sentence) is (action is ImportAction.TOO_NEW)


def test_what_another_one_replaced_is_left_alone() -> None:
    plan = planned(held("eng-web", supersedes="eng-kjv"))
    assert plan.action is ImportAction.SUPERSEDED
    assert "replaced by package eng-web" in plan.sentence


def test_two_that_replace_each_other_are_both_taken() -> None:
    assert planned(held("eng-web", supersedes="eng-kjv"), supersedes="eng-web").action.imports


@pytest.mark.parametrize("said_by", ["found", "held"])
def test_what_cannot_be_here_together_is_not(said_by: str) -> None:
    mine = {"conflicts_with": ("eng-web",)} if said_by == "found" else {}
    other = held("eng-web", conflicts_with=() if mine else ("eng-kjv",))
    plan = planned(other, **mine)
    assert plan.action is ImportAction.CONFLICTING
    assert "together with package eng-web" in plan.sentence
    assert planned(other, supersedes="eng-web", **mine).action is ImportAction.NEW
    assert planned(held("third"), **mine).action is ImportAction.NEW


def test_what_it_replaces_is_said() -> None:
    assert planned(held("eng-old"), supersedes="eng-old").notes == (
        "takes the place of package eng-old",
    )
    assert planned(supersedes="eng-old").notes == ()


def test_missing_parts_and_packages_are_named() -> None:
    plan = planned(
        held("two", part=part(2, of=4)), part=part(1, of=4, needs=("two", "names", "maps"))
    )
    assert plan.action is ImportAction.NEW
    assert plan.notes == (
        "is part 1 of 4 of The Bible, of which parts 3 and 4 are not here yet",
        "needs names and maps, not here yet, to be of full use",
    )
    (last,) = planned(held("two", part=part(2)), held("three", part=part(3)), part=part(1)).notes
    assert last == "is part 1 of 3 of The Bible, which is whole now"


def test_a_series_of_millions_does_not_fill_the_page() -> None:
    assert len(missing_parts(part(1, of=10**15), [])) < 1000
    assert len(planned(part=part(1, of=10**15)).notes[0]) < 200


def test_cut_copies_and_replaced_packages_make_room_and_nothing_else() -> None:
    here = [
        held("big", size=30 * MB),
        held("old", size=20 * MB),
        held("older", size=40 * MB),
        held("new", supersedes="old"),
        held("newer", supersedes="older"),
    ]
    short = Room(NEEDED - 10 * MB)
    assert planned(room=replace(short, cut_copies=10 * MB)).drop_cut_copies
    assert planned(room=replace(short, cut_copies=10 * MB - 1)).action is ImportAction.NO_SPACE
    assert planned(*here, room=short).give_up == ("older",)
    assert planned(*here, room=Room(NEEDED - 50 * MB)).give_up == ("older", "old")
    assert planned(*here, room=Room(NEEDED - 61 * MB)).action is ImportAction.NO_SPACE
    assert planned(*here, room=PLENTY).give_up == ()
    assert planned(*here, room=Room(NEEDED - 60 * MB)).drop_cut_copies


def test_what_excludes_what_it_replaces_takes_its_place_at_once() -> None:
    old, other = held("old"), held("other")
    beside = held("new", supersedes="old")
    instead = held("new", supersedes="old", conflicts_with=("old", "other"))
    assert replaced([old, beside, other]) == {"old": "new"} == replaced([old, instead])
    assert excluded([old, beside, other]) == {}
    assert excluded([old, instead, other]) == {"old": "new"}
    assert excluded([held("old", conflicts_with=("new",)), beside]) == {"old": "new"}
    assert replaced([held("self", supersedes="self")]) == {}


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_trailing_zeros_say_nothing(parts: list[int]) -> None:
    text = ".".join(map(str, parts))
    assert version_of(text) == version_of(text + ".0")


@pytest.mark.parametrize("text", ["", ".", "1.", "v1", "1.-2", "1.٣", "1" * 61])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        version_of(text)
