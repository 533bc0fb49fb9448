"""From what udev says about block devices to sticks: which device is one, and what is news."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from hotspot.drives.drive import Drive, DriveEvent, DriveKind
from hotspot.drives.labels import label_of

SECTORS = "HOTSPOT_SECTORS"
"""The property that holds a device's size, which udev itself does not tell."""

SILENT_PARTITIONS = frozenset(
    {
        "0x5",
        "0xf",
        "0x85",
        "21686148-6449-6e6f-744e-656564454649",
        "e3c9e316-0b5c-4db8-817d-f92df00215ae",
    }
)
"""Partitions that nobody puts files in: extended ones, BIOS boot, Microsoft's reserved one."""


class Unfit(StrEnum):
    """Why a block device is not a stick with files."""

    NOT_USB = "not_usb"
    NO_FILES = "no_files"
    ENCRYPTED = "encrypted"
    MEMBER = "member"
    UNFORMATTED = "unformatted"


REASONS = {
    Unfit.ENCRYPTED: "The stick {} is encrypted; put the packages on one that is not.",
    Unfit.MEMBER: "The stick {} is a part of a RAID or of an LVM volume; "
    "put the packages on an ordinary one.",
    Unfit.UNFORMATTED: "The stick {} has no file system that can be recognised; "
    "it is damaged, or was never formatted. Format it as exFAT or FAT32.",
}
"""What people are told of devices that look like sticks; the other unfit ones concern nobody."""


def classify(properties: Mapping[str, str]) -> Drive | Unfit:
    """The stick that a block device with these udev properties is, or why it is none."""
    if properties.get("ID_BUS") != "usb" and "ID_USB_DRIVER" not in properties:
        return Unfit.NOT_USB
    usage = properties.get("ID_FS_USAGE", "")
    if usage == "filesystem" and properties.get("ID_FS_TYPE"):
        return _drive(properties)
    known = {"crypto": Unfit.ENCRYPTED, "raid": Unfit.MEMBER}
    if usage in known:
        return known[usage]
    return Unfit.NO_FILES if usage or not _has_room(properties) else Unfit.UNFORMATTED


def _has_room(properties: Mapping[str, str]) -> bool:
    """Whether files were to be expected: not in an empty card reader, nor beside partitions.

    udev tells of a disk's table with its partitions too.
    """
    if int(properties.get(SECTORS, "0")) == 0:
        return False
    if properties.get("DEVTYPE") == "partition":
        return properties.get("ID_PART_ENTRY_TYPE") not in SILENT_PARTITIONS
    return "ID_PART_TABLE_TYPE" not in properties


def _drive(properties: Mapping[str, str]) -> Drive:
    node = properties["DEVNAME"]
    return Drive(
        id=properties.get("ID_FS_UUID") or node,
        device_node=node,
        device_number=f"{properties.get('MAJOR', '')}:{properties.get('MINOR', '')}",
        fs_type=properties.get("ID_FS_TYPE", ""),
        label=label_of(properties),
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
        found = Unfit.NO_FILES if action == "remove" else classify(properties)
        if isinstance(found, Drive):
            return self._appear(found, DriveKind.ADDED)
        if found in REASONS:
            drive = _drive(properties)
            return self._appear(drive, DriveKind.REFUSED, REASONS[found].format(drive.name))
        return self._vanish(properties["DEVNAME"])

    def _appear(self, drive: Drive, kind: DriveKind, sentence: str = "") -> list[DriveEvent]:
        if self.knows(drive):
            return []
        news = self._vanish(drive.device_node)
        self._known[drive.device_node] = drive
        return [*news, DriveEvent(kind, drive, sentence)]

    def _vanish(self, node: str) -> list[DriveEvent]:
        drive = self._known.pop(node, None)
        return [] if drive is None else [DriveEvent(DriveKind.REMOVED, drive)]
