"""Reading the kernel's list of mounts."""

import asyncio
from contextlib import suppress
from pathlib import Path

from hotspot.drives import mountinfo
from hotspot.drives.drive import Drive
from hotspot.drives.mountinfo import Mount
from tests.support.programs import run
from tests.support.requirements import needs

LISTED = r"""22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
40 22 8:17 / /media/my\040stick ro,relatime shared:20 master:3 - vfat /dev/sdb1 ro
41 22 8:33 /films /srv/films rw - ext4 /dev/sdc1 rw
42 22 0:55 / /media/other rw - fuse.ntfs /dev/sdd1 rw
43 22 8:17 / /run/hotspot/drives/sdb1 ro - vfat /dev/sdb1 ro
"""


def drive(node: str, number: str) -> Drive:
    return Drive(id="x", device_node=node, device_number=number)


def test_a_line_is_read_with_its_escapes_undone() -> None:
    mount = mountinfo.parse(LISTED)[1]
    options = frozenset({"ro", "relatime"})
    assert mount == Mount("8:17", "/", Path("/media/my stick"), "/dev/sdb1", options)


def test_the_latest_mount_of_a_drive_counts() -> None:
    found = mountinfo.place_of(drive("/dev/sdb1", "8:17"), mountinfo.parse(LISTED))
    assert found == Path("/run/hotspot/drives/sdb1")


def test_a_mount_of_a_part_of_a_drive_does_not_count() -> None:
    assert mountinfo.place_of(drive("/dev/sdc1", "8:33"), mountinfo.parse(LISTED)) is None


def test_a_drive_mounted_through_fuse_is_known_by_its_node() -> None:
    found = mountinfo.place_of(drive("/dev/sdd1", "8:49"), mountinfo.parse(LISTED))
    assert found == Path("/media/other")


def test_this_machines_own_list_can_be_read() -> None:
    assert Path("/") in {mount.mount_point for mount in mountinfo.read()}


async def test_every_change_of_the_mounts_is_noticed(tmp_path: Path) -> None:
    needs("loop")
    with mountinfo.changes() as changed:
        for _ in range(20):
            for command in (("mount", "-t", "tmpfs", "none", tmp_path), ("umount", tmp_path)):
                changed.clear()
                await asyncio.to_thread(run, *command)
                async with asyncio.timeout(20):
                    await changed.wait()


async def test_watching_wakes_nobody_while_nothing_changes() -> None:
    woken = 0
    with mountinfo.changes() as changed, suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            while True:
                await changed.wait()
                changed.clear()
                woken += 1
    assert woken < 50


def test_every_place_of_a_drive_is_known() -> None:
    mounts = mountinfo.mounts_of(drive("/dev/sdb1", "8:17"), mountinfo.parse(LISTED))
    assert [mount.mount_point for mount in mounts] == [
        Path("/media/my stick"),
        Path("/run/hotspot/drives/sdb1"),
    ]
