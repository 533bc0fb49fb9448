"""What goes on with sticks, for those who show it: the status, and a light."""

from collections.abc import Callable, Iterable
from typing import Any

from hotspot.drives.drive import Drive
from hotspot.events import Bus, SticksChanged
from hotspot.model.activity import Activity, Indication, StickState, sentence, settled
from hotspot.model.plan import ImportAction


class Board:
    """How each stick fares; tells the bus of every change."""

    def __init__(self, bus: Bus, is_syncing: Callable[[], bool]) -> None:
        self._bus = bus
        self._is_syncing = is_syncing
        self._activity = Activity()
        self._sentences: dict[str, tuple[str, str]] = {}

    @property
    def indication(self) -> Indication:
        """The one thing to show now."""
        return self._activity.indication(syncing=self._is_syncing())

    def sticks(self) -> list[dict[str, Any]]:
        """The sticks that are plugged in: `{name, state, message}`."""
        return [
            {"name": name, "state": self._activity.sticks[device].value, "message": message}
            for device, (name, message) in self._sentences.items()
        ]

    def began(self, drive: Drive) -> None:
        """A stick is being read."""
        self._show(drive, StickState.IMPORTING, sentence(drive.name, StickState.IMPORTING))

    def ended(self, drive: Drive, actions: Iterable[ImportAction], *, there: bool) -> None:
        """All of a stick has been dealt with, or it is not `there` any more."""
        found = list(actions)
        state = settled(found, there=there)
        self._show(drive, state, sentence(drive.name, state, found))

    def refused(self, drive: Drive, why: str) -> None:
        """A stick cannot be read."""
        self._show(drive, StickState.FAILED, why)

    def went(self, drive: Drive) -> str:
        """A stick was pulled out; what is to be said of it, if it was not done."""
        before = self._activity.sticks.get(drive.device_node)
        self._sentences.pop(drive.device_node, None)
        self._change(self._activity.without(drive.device_node))
        if before is None or not before.unfinished:
            return ""
        return sentence(drive.name, StickState.CUT_OFF)

    def clear(self) -> None:
        """Nobody looks after sticks now."""
        self._sentences.clear()
        self._change(Activity())

    def _show(self, drive: Drive, state: StickState, message: str) -> None:
        self._sentences[drive.device_node] = (drive.name, message)
        self._change(self._activity.with_stick(drive.device_node, state))

    def _change(self, activity: Activity) -> None:
        self._activity = activity
        self._bus.publish(SticksChanged())
