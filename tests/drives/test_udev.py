"""Sticks with something special about them, under a real udevd and on real mounts."""

import asyncio
import hashlib
import shutil
import socket
from pathlib import Path

import pytest

from hotspot.drives import direct, mountinfo, udev
from hotspot.drives.direct import DirectMounter
from hotspot.drives.drive import Drive, DriveKind
from hotspot.drives.system import SystemMounter
from hotspot.errors import DriveRefused, PartUnavailable
from tests.drives.conftest import UsbPorts, listening
from tests.support.sticks import LoopStick, run

FILES = {"a.bible": b"a package"}


async def plugged(usb: UsbPorts, name: str = "ONE") -> Drive:
    """A stick that is plugged in, as udev would describe it."""
    await usb.plug(name, FILES)
    node = usb.sticks[name].node
    number = Path("/sys/class/block", Path(node).name, "dev").read_text().strip()
    return Drive(id=name, device_node=node, device_number=number, fs_type="ext4", label=name)


def options_of(place: Path) -> set[str]:
    """The options with which `place` is mounted."""
    return set(run("findmnt", "--noheadings", "--output", "OPTIONS", place).split(","))


async def test_a_stick_is_mounted_so_that_nothing_on_it_can_act(usb: UsbPorts) -> None:
    await usb.plug("ONE", FILES)
    async with listening(usb.source()) as told:
        place = (await told.next()).drive.mount_point
        assert place is not None
        assert options_of(place) >= {"ro", "nosuid", "nodev", "noexec"}


async def test_a_journal_is_not_replayed_onto_the_stick(usb: UsbPorts, tmp_path: Path) -> None:
    usb.sticks["ONE"] = LoopStick(tmp_path / "ONE", FILES, "ONE")
    image = usb.sticks["ONE"].image
    leave_a_journal(usb.sticks["ONE"], tmp_path)
    before = hashlib.sha256(image.read_bytes()).hexdigest()
    await usb.plug("ONE", FILES)
    async with listening(usb.source()) as told:
        place = (await told.next()).drive.mount_point
        assert place is not None
        assert (place / "a.bible").read_bytes() == b"a package"
        await usb.pull("ONE")
        await told.next()
    assert hashlib.sha256(image.read_bytes()).hexdigest() == before


def leave_a_journal(stick: LoopStick, folder: Path) -> None:
    """Makes the stick one that was pulled out while it was being written to."""
    place = folder / "writing"
    place.mkdir()
    stick.plug()
    run("mount", stick.node, place)
    (place / "new.bible").write_bytes(b"x" * 100_000)
    run("sync", "--file-system", place)
    torn = folder / "torn.img"
    shutil.copyfile(stick.image, torn)
    run("umount", place)
    stick.pull()
    assert "needs_recovery" in run("dumpe2fs", "-h", f"{torn}?offset={1024 * 1024}")
    torn.rename(stick.image)


async def test_a_damaged_stick_is_refused_with_a_sentence(usb: UsbPorts, tmp_path: Path) -> None:
    stick = LoopStick(tmp_path / "BAD", FILES, "BAD")
    with stick.image.open("r+b") as image:
        image.seek(1024 * 1024 + 2048)
        image.write(bytes(200_000))
    usb.sticks["BAD"] = stick
    await usb.plug("BAD", FILES)
    async with listening(usb.source()) as told:
        event = await told.next()
        assert event.kind is DriveKind.REFUSED
        assert event.sentence.startswith("The stick BAD cannot be read: its file system (ext4) is")
        assert event.drive.mount_point is None
        await usb.plug("ONE", FILES)
        assert (await told.next()).drive.label == "ONE"


async def test_mounts_that_an_earlier_process_left_are_cleared_away(
    usb: UsbPorts, mounts: Path
) -> None:
    drive = await plugged(usb)
    left = mounts / "sdz9"
    left.mkdir()
    run("mount", "-o", "ro", drive.device_node, left)
    async with listening(usb.source()) as told:
        event = await told.next()
        assert event.drive.mount_point == mounts / Path(drive.device_node).name
    assert not left.exists()


async def test_lost_messages_are_made_up_for_by_looking(
    usb: UsbPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_monitor = udev._monitor

    def small_monitor() -> object:
        monitor = make_monitor()
        with socket.socket(fileno=socket.dup(monitor.fileno())) as receiver:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        return monitor

    monkeypatch.setattr(udev, "_monitor", small_monitor)
    await usb.plug("ONE", FILES)
    async with listening(usb.source()) as told:
        assert (await told.next()).drive.label == "ONE"
        flood()
        usb.sticks["TWO"] = LoopStick(usb.sticks["ONE"].image.with_name("TWO"), FILES, "TWO")
        usb.sticks["TWO"].plug()
        run("udevadm", "settle")
        assert (await told.next()).drive.label == "TWO"


def flood() -> None:
    """Makes udev say more than a small buffer holds, while nobody listens."""
    for _ in range(5):
        run("udevadm", "trigger", "--subsystem-match=block", "--action=change", "--settle")


async def test_without_udev_the_part_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(udev, "CONTROL", tmp_path / "control")
    with pytest.raises(PartUnavailable, match="udev does not run"):
        async with listening(udev.UdevDrives()) as told:
            await told.next()


async def test_a_stick_that_somebody_mounted_is_used_where_it_is(
    usb: UsbPorts, mounts: Path
) -> None:
    drive = await plugged(usb)
    place = mounts / "by a person"
    place.mkdir()
    run("mount", "-o", "ro", drive.device_node, place)
    mounter = DirectMounter(mounts / "ours")
    assert await mounter.mount(drive) == place
    await mounter.unmount(drive)
    await mounter.clear()
    mounts_now = await asyncio.to_thread(mountinfo.read)
    assert mountinfo.place_of(drive, mounts_now) == place
    run("umount", place)


async def test_a_usb_disk_that_the_system_uses_is_no_stick(
    usb: UsbPorts, tmp_path: Path, mounts: Path
) -> None:
    drive = await plugged(usb)
    place = tmp_path / "data"
    place.mkdir()
    run("mount", "-o", "ro", drive.device_node, place)
    assert await DirectMounter(mounts).mount(drive) is None
    assert await SystemMounter(mounts).mount(drive) is None
    run("umount", place)


async def test_a_usb_disk_that_the_system_means_to_use_is_no_stick(
    usb: UsbPorts, tmp_path: Path, mounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = await plugged(usb)
    fstab = tmp_path / "fstab"
    fstab.write_text(f"{drive.device_node} /srv ext4 defaults 0 2\n")
    monkeypatch.setitem(direct.ENVIRONMENT, "LIBMOUNT_FSTAB", str(fstab))
    assert await DirectMounter(mounts).mount(drive) is None
    assert run("blockdev", "--getro", drive.device_node) == "0"


async def test_the_system_may_take_its_time_to_mount(usb: UsbPorts, mounts: Path) -> None:
    drive = await plugged(usb)
    mounting_it = asyncio.create_task(SystemMounter(mounts).mount(drive))
    place = mounts / "sdb1"
    place.mkdir()
    run("mount", "-o", "ro", drive.device_node, place)
    assert await asyncio.wait([mounting_it], timeout=0.1) == (set(), {mounting_it})
    run("mount", "-o", "remount,bind,ro,nosuid,nodev,noexec", place)
    assert await mounting_it == place
    run("umount", place)


async def test_a_stick_that_the_system_does_not_mount_is_refused(
    usb: UsbPorts, mounts: Path
) -> None:
    drive = await plugged(usb)
    with pytest.raises(DriveRefused, match=r"journalctl -u hotspot-mount@loop\d+p1.service"):
        await SystemMounter(mounts, patience_s=0.01).mount(drive)


async def test_what_the_unit_could_not_mount_is_refused_with_the_reason(
    usb: UsbPorts, mounts: Path
) -> None:
    drive = await plugged(usb)
    said = mounts / f"{Path(drive.device_node).name}.said"
    said.write_text("mount: wrong fs type, bad option, bad superblock.\n")
    with pytest.raises(DriveRefused, match=r"its file system \(ext4\) is damaged"):
        await SystemMounter(mounts, patience_s=0.01).mount(drive)


async def test_what_the_unit_could_not_mount_is_refused_at_once(
    usb: UsbPorts, mounts: Path
) -> None:
    drive = await plugged(usb)
    mounting_it = asyncio.create_task(SystemMounter(mounts, patience_s=3600).mount(drive))
    assert await asyncio.wait([mounting_it], timeout=0.1) == (set(), {mounting_it})
    (mounts / f"{Path(drive.device_node).name}.failed").touch()
    with pytest.raises(DriveRefused):
        async with asyncio.timeout(30):
            await mounting_it
