"""How sticks fare, and the one thing of it all that a light can show."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from hotspot.model.plan import ImportAction


class StickState(StrEnum):
    """How one stick that is plugged in fares."""

    IMPORTING = "importing"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CUT_OFF = "cut_off"

    @property
    def unfinished(self) -> bool:
        """Whether the stick is to come back, should it be pulled out now."""
        return self not in (StickState.DONE, StickState.FAILED)


class Indication(StrEnum):
    """What a person who stands before the hotspot has to know."""

    IDLE = "idle"
    IMPORTING = "importing"
    SAFE_TO_REMOVE = "safe_to_remove"
    FAILED = "failed"
    SYNCING = "syncing"


class Blinking(msgspec.Struct, frozen=True):
    """How a light blinks, in milliseconds; it is steady where it is never off."""

    on_ms: int
    off_ms: int


PATTERNS = MappingProxyType(
    {
        Indication.IDLE: Blinking(50, 2_950),
        Indication.IMPORTING: Blinking(100, 100),
        Indication.SAFE_TO_REMOVE: Blinking(1, 0),
        Indication.FAILED: Blinking(900, 900),
        Indication.SYNCING: Blinking(50, 450),
    }
)


BECAME = ("imported", "left alone", "failed")
"""What is said of a stick's packages, in this order."""


class Activity(msgspec.Struct, frozen=True):
    """The sticks that are plugged in, by their devices.

    `cut_off`: one was pulled out before it was done, and none has come since.
    """

    sticks: Mapping[str, StickState] = MappingProxyType({})
    cut_off: bool = False

    def with_stick(self, device: str, state: StickState) -> "Activity":
        """A stick came, or fares otherwise than before."""
        return Activity({**self.sticks, device: state}, cut_off=False)

    def without(self, device: str) -> "Activity":
        """A stick went."""
        left = {one: state for one, state in self.sticks.items() if one != device}
        state = self.sticks.get(device, StickState.DONE)
        return Activity(left, cut_off=self.cut_off or state.unfinished)

    def indication(self, *, syncing: bool) -> Indication:
        """What matters most: what a person must not do, then must do, then may do."""
        states = set(self.sticks.values())
        if StickState.IMPORTING in states:
            return Indication.IMPORTING
        if self.cut_off or states - {StickState.DONE}:
            return Indication.FAILED
        if states:
            return Indication.SAFE_TO_REMOVE
        return Indication.SYNCING if syncing else Indication.IDLE


def settled(actions: Iterable[ImportAction], *, there: bool) -> StickState:
    """How a stick fares whose packages have been dealt with; `there`: whether it still is.

    What was read of one that is gone says nothing: the rest of it may have looked empty.
    """
    if not there:
        return StickState.CUT_OFF
    found = set(actions)
    if ImportAction.INTERRUPTED in found:
        return StickState.INTERRUPTED
    return StickState.FAILED if any(one.failed for one in found) else StickState.DONE


def sentence(name: str, state: StickState, actions: Iterable[ImportAction] = ()) -> str:
    """What is said of the stick `name`, of whose packages `actions` became."""
    found = list(actions)
    if state is StickState.IMPORTING:
        return f"The stick {name} is being read: leave it in."
    if state is StickState.CUT_OFF:
        return (
            f"The stick {name} was pulled out before it was done: "
            "put it in again, and the import goes on where it was."
        )
    if not found:
        return f"The stick {name} can be pulled out: no packages are on it."
    counts = Counter(map(_became, found))
    told = ", ".join(f"{counts[word]} {word}" for word in BECAME if counts[word])
    return f"The stick {name} can be pulled out: of {_packages(len(found))}, {told}."


def _became(action: ImportAction) -> str:
    imported, left_alone, failed = BECAME
    if action.failed:
        return failed
    return imported if action.imports else left_alone


def _packages(number: int) -> str:
    return "1 package" if number == 1 else f"{number} packages"
