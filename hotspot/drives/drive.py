"""What the rest of the project knows of a stick, and of its coming and going."""

from collections.abc import AsyncGenerator
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec


class DriveKind(StrEnum):
    """What happened to a stick."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REFUSED = "refused"


class Drive(msgspec.Struct, frozen=True, kw_only=True):
    """One file system on a stick.

    `id`: names the file system wherever it is plugged in (its UUID; where it has none, its device).
    `device_node`: where it is now; `device_number`: the same for the kernel, "8:17".
    `mount_point`: where its files can be read, or None while they cannot.
    """

    id: str
    device_node: str
    device_number: str = ""
    fs_type: str = ""
    label: str = ""
    mount_point: Path | None = None

    @property
    def name(self) -> str:
        """What a person would call it."""
        return self.label or Path(self.device_node).name


class DriveEvent(msgspec.Struct, frozen=True):
    """A stick came, went, has new packages, or cannot be used; then `sentence` says why."""

    kind: DriveKind
    drive: Drive
    sentence: str = ""


class DriveSource(Protocol):
    """Where sticks come from."""

    def events(self) -> AsyncGenerator[DriveEvent, None]:
        """The sticks that are there already, then what happens to them, until it is closed.

        A drive that was added or changed can be read at its `mount_point`. Of one drive the events
        come in order: added, changed any number of times, removed; or refused, removed.
        Raises PartUnavailable where sticks cannot be noticed now.
        """
        ...
