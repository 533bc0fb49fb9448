"""Whether a stick is still there. An empty listing does not say: a file system whose device is gone
may go on listing what it remembers, which can be nothing."""

from pathlib import Path

from hotspot.drives import mountinfo
from hotspot.drives.drive import Drive

DEVICES = Path("/sys/dev/block")


def is_there(drive: Drive) -> bool:
    """Whether the device of a mounted `drive` is, and is mounted where it was. Blocking."""
    if drive.mount_point is None:
        return False
    if not drive.device_number:
        return drive.mount_point.is_dir()
    mounts = mountinfo.mounts_of(drive, mountinfo.read())
    return _sectors(drive) > 0 and drive.mount_point in {one.mount_point for one in mounts}


def _sectors(drive: Drive) -> int:
    """The size of the device; a reader whose card was taken out has none."""
    try:
        return int(Path(DEVICES, drive.device_number, "size").read_text())
    except OSError:
        return 0
