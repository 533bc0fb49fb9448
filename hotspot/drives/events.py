"""From what udev says about block devices to sticks: which device is one, and what is news."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from hotspot.drives.drive import Drive, DriveEvent, DriveKind


class Unfit(StrEnum):
    """Why a block device is not a stick with files."""

    NOT_USB = "not_usb"
    NO_FILESYSTEM = "no_filesystem"
    ENCRYPTED = "encrypted"


def classify(properties: Mapping[str, str]) -> Drive | Unfit:
    """The stick that a block device with these udev properties is, or why it is none."""
    if properties.get("ID_BUS") != "usb" and "ID_USB_DRIVER" not in properties:
        return Unfit.NOT_USB
    if properties.get("ID_FS_USAGE") == "crypto":
        return Unfit.ENCRYPTED
    if properties.get("ID_FS_USAGE") != "filesystem" or not properties.get("ID_FS_TYPE"):
        return Unfit.NO_FILESYSTEM
    return _drive(properties)


def _drive(properties: Mapping[str, str]) -> Drive:
    node = properties["DEVNAME"]
    return Drive(
        id=properties.get("ID_FS_UUID") or node,
        device_node=node,
        device_number=f"{properties.get('MAJOR', '')}:{properties.get('MINOR', '')}",
        fs_type=properties.get("ID_FS_TYPE", ""),
        label=properties.get("ID_FS_LABEL", ""),
    )


class Tracker:
    """Knows which sticks are there, so that each is told of once, however often it is seen.

    Its events are of sticks that are not mounted.
    """

    def __init__(self) -> None:
        self._known: dict[str, Drive] = {}

    def knows(self, drive: Drive) -> bool:
        """Whether the stick is there still."""
        return self._known.get(drive.device_node) == drive

    def survey(self, devices: Iterable[Mapping[str, str]]) -> list[DriveEvent]:
        """The news in a list of all the block devices that there are now."""
        present = {properties["DEVNAME"]: properties for properties in devices}
        gone = [node for node in self._known if node not in present]
        news = [event for node in gone for event in self._vanish(node)]
        for properties in present.values():
            news += self.see("add", properties)
        return news

    def see(self, action: str, properties: Mapping[str, str]) -> list[DriveEvent]:
        """The news in one message of udev: `action` is remove, or anything that is not."""
        node = properties["DEVNAME"]
        found = Unfit.NO_FILESYSTEM if action == "remove" else classify(properties)
        if isinstance(found, Drive):
            return self._appear(found, DriveKind.ADDED)
        if found is Unfit.ENCRYPTED:
            drive = _drive(properties)
            reason = f"The stick {drive.name} is encrypted; put the packages on one that is not."
            return self._appear(drive, DriveKind.REFUSED, reason)
        return self._vanish(node)

    def _appear(self, drive: Drive, kind: DriveKind, sentence: str = "") -> list[DriveEvent]:
        if self.knows(drive):
            return []
        news = self._vanish(drive.device_node)
        self._known[drive.device_node] = drive
        return [*news, DriveEvent(kind, drive, sentence)]

    def _vanish(self, node: str) -> list[DriveEvent]:
        drive = self._known.pop(node, None)
        return [] if drive is None else [DriveEvent(DriveKind.REMOVED, drive)]
