"""How the files of a stick are made readable, without ever writing to it; and by whom."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from hotspot.drives import mountinfo
from hotspot.drives.drive import Drive

ROOT = Path("/run/hotspot/drives")

OPTIONS = "ro,nosuid,nodev,noexec"
GUARDS = frozenset(OPTIONS.split(","))
MORE_OPTIONS = {
    "btrfs": "rescue=nologreplay",
    "ext3": "noload",
    "ext4": "noload",
    "vfat": "utf8",
    "xfs": "norecovery",
}
"""Mounting read-only would still replay a journal; and FAT has to be told the names' encoding."""

TYPES = {"ntfs": "ntfs3,ntfs"}
"""Where udev's name of a file system is not the driver's: what mount(8) is to try in turn."""

STICK_FOLDERS = (Path("/media"), Path("/mnt"), Path("/run"))
"""A USB disk that is mounted elsewhere is the system's own, and no stick."""

DAMAGED = (
    "wrong fs type",
    "bad superblock",
    "can't read superblock",
    "Structure needs cleaning",
    "Input/output error",
    "Invalid argument",
)
"""What mount(8) says of file systems that are not whole."""


class Mounter(Protocol):
    """Who mounts sticks."""

    async def mount(self, drive: Drive) -> Path | None:
        """Where the files of `drive` can be read; None where it belongs to the system.

        A stick that is mounted already is used where it is. Raises DriveRefused.
        """
        ...

    async def unmount(self, drive: Drive) -> None:
        """Lets go of a stick, which may be gone already. Never fails."""
        ...

    async def clear(self) -> None:
        """Lets go of every stick that this mounter, or one before it, has mounted."""
        ...


def options(fs_type: str) -> str:
    """The mount options for a file system."""
    more = MORE_OPTIONS.get(fs_type)
    return OPTIONS if more is None else f"{OPTIONS},{more}"


def types(fs_type: str) -> str:
    """What mount(8) is to take a file system for, which udev calls `fs_type`."""
    return TYPES.get(fs_type, fs_type)


def refusal(drive: Drive, said: str) -> str:
    """The sentence about a stick of which mount(8) `said` why it cannot be mounted."""
    what = f"The stick {drive.name} cannot be read"
    if "unknown filesystem type" in said:
        return f"{what}: this machine does not know {drive.fs_type}. Format it as exFAT or FAT32."
    if any(words in said for words in DAMAGED):
        return f"{what}: its file system ({drive.fs_type}) is damaged. Use another stick."
    return f"{what} ({said})."


def place_for(drive: Drive, root: Path) -> Path:
    """The folder below `root` in which a mounter of ours mounts `drive`."""
    return root / Path(drive.device_node).name


def place_of(drive: Drive) -> Path | None:
    """Where `drive` is mounted, or None. Blocking."""
    return mountinfo.place_of(drive, mountinfo.read())


def is_for_sticks(place: Path, root: Path) -> bool:
    """Whether what is mounted at `place` may be a stick."""
    folders: Iterable[Path] = (root, *STICK_FOLDERS)
    return any(folder in place.parents for folder in folders)
