"""What is mounted where, as the kernel lists it in /proc/self/mountinfo."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hotspot.drives.drive import Drive

MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """A mounted file system; `root` is the part of it that is seen at `mount_point`."""

    device_number: str
    root: str
    mount_point: Path
    source: str


def read() -> list[Mount]:
    """Everything that is mounted now, in the order of mounting. Blocking."""
    return parse(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))


def parse(text: str) -> list[Mount]:
    """The mounts in the text of a mountinfo file."""
    return [_mount(line) for line in text.splitlines()]


def _mount(line: str) -> Mount:
    """Reads `36 35 98:0 /root /mount/point ro,noatime master:1 - ext4 /dev/root rw`."""
    before, _, after = line.partition(" - ")
    fields = before.split(" ")
    return Mount(fields[2], _plain(fields[3]), Path(_plain(fields[4])), _plain(after.split(" ")[1]))


def _plain(field: str) -> str:
    r"""Undoes the kernel's escapes: space, tab, line feed and backslash are \ooo."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), field)


def place_of(drive: Drive, mounts: Iterable[Mount]) -> Path | None:
    """Where the whole of `drive` is mounted: the latest place, or None."""
    found = None
    for mount in mounts:
        same = mount.device_number == drive.device_number or mount.source == drive.device_node
        if same and mount.root == "/":
            found = mount.mount_point
    return found
