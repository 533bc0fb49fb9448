"""Sticks as people bring them: every usual file system, several at once, and what is none."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotspot.drives import mountinfo
from hotspot.drives.drive import DriveKind
from hotspot.drives.presence import is_there
from tests.drives.conftest import Told, UsbPorts, listening
from tests.support import images
from tests.support.drivers import drivers
from tests.support.requirements import needs
from tests.support.sticks import LoopStick, run

FILES = {"Библия/ሀሎ 世界.bible": b"a package" * 1000, "naïve name.txt": b"x"}
LABELS = {"ext4": "ሀሎ 1", "vfat": "BIBLES 1", "exfat": "Библия 1", "ntfs": "聖書 1"}
GUARDED = {"ro", "nosuid", "nodev", "noexec"}


@pytest.fixture
def every_driver() -> Iterator[None]:
    """mount(8) can mount what Windows formats."""
    needs("fuse")
    with drivers():
        yield


def guards(place: Path) -> set[str]:
    """The options of the mount at `place`, as the kernel lists them."""
    lines = mountinfo.MOUNTINFO.read_text().splitlines()
    (options,) = (line.split()[5] for line in lines if line.split()[4] == str(place))
    return set(options.split(","))


def digest(image: Path) -> str:
    return hashlib.sha256(image.read_bytes()).hexdigest()


@pytest.mark.parametrize("table", [True, False], ids=["partition", "whole"])
@pytest.mark.parametrize("kind", LABELS)
async def test_a_stick_is_read_and_guarded_whatever_its_file_system(
    kind: str, table: bool, either: UsbPorts, every_driver: None, tmp_path: Path
) -> None:
    label = LABELS[kind]
    stick = LoopStick(tmp_path / "one", FILES, label, kind=kind, table=table)
    either.sticks["one"] = stick
    before = digest(stick.image)
    async with listening(either.source()) as told:
        await either.put(stick)
        event = await told.next()
        assert (event.kind, event.drive.label) == (DriveKind.ADDED, label)
        assert event.drive.fs_type == kind
        place = event.drive.mount_point
        assert place is not None
        for name, content in FILES.items():
            assert (place / name).read_bytes() == content
        assert guards(place) >= GUARDED
        with pytest.raises(OSError, match="Read-only"):
            (place / "new").touch()
        assert await asyncio.to_thread(is_there, event.drive)
        await either.pull("one")
        assert (await told.next()).kind is DriveKind.REMOVED
        assert not await asyncio.to_thread(is_there, event.drive)
    assert digest(stick.image) == before


async def test_no_driver_can_write_to_a_stick_that_is_mounted(
    either: UsbPorts, tmp_path: Path
) -> None:
    await either.plug("ONE", FILES)
    async with listening(either.source()) as told:
        place = (await told.next()).drive.mount_point
        assert place is not None
        node = either.sticks["ONE"].node
        assert run("blockdev", "--getro", node) == "1"
        with pytest.raises(AssertionError, match=r"write-protected|read-only"):
            run("mount", "-o", "remount,rw", place)
        await either.pull("ONE")
        await told.next()


async def test_a_stick_with_a_switch_against_writing_is_read(either: UsbPorts) -> None:
    await either.plug("ONE", FILES)
    stick = either.sticks["ONE"]
    await either.pull("ONE")
    async with listening(either.source()) as told:
        await asyncio.to_thread(stick.plug, read_only=True)
        place = (await told.next()).drive.mount_point
        assert place is not None
        assert (place / "naïve name.txt").read_bytes() == b"x"


async def several(told: Told, number: int) -> dict[str, DriveKind]:
    """What became of so many sticks, by their names."""
    events = [await told.next() for _ in range(number)]
    assert len({event.drive.device_node for event in events}) == number
    return {event.drive.name: event.kind for event in events}


async def test_every_partition_is_a_stick_of_its_own(either: UsbPorts, tmp_path: Path) -> None:
    parts = [
        images.make(tmp_path / "a", FILES, "FIRST"),
        images.luks(tmp_path / "b"),
        images.make(tmp_path / "c", FILES, "THIRD"),
    ]
    stick = LoopStick.of(tmp_path / "many", parts)
    either.sticks["many"] = stick
    async with listening(either.source()) as told:
        await either.put(stick)
        second = Path(stick.nodes[1]).name
        assert await several(told, 3) == {
            "FIRST": DriveKind.ADDED,
            "THIRD": DriveKind.ADDED,
            second: DriveKind.REFUSED,
        }
        await either.pull("many")
        gone = await several(told, 3)
    assert set(gone.values()) == {DriveKind.REMOVED}


UNFIT = {
    "encrypted": ("is encrypted; put the packages on one that is not.", True),
    "empty": ("has no file system that can be recognised", True),
    "empty whole": ("has no file system that can be recognised", False),
}


@pytest.mark.parametrize("what", UNFIT)
async def test_what_cannot_be_read_is_named_in_one_sentence(
    what: str, either: UsbPorts, tmp_path: Path
) -> None:
    words, table = UNFIT[what]
    part = tmp_path / "part"
    if what == "encrypted":
        images.luks(part)
    else:
        part.write_bytes(bytes(images.SIZE))
    stick = LoopStick.of(tmp_path / "unfit", [part], table=table)
    either.sticks["unfit"] = stick
    async with listening(either.source()) as told:
        await either.put(stick)
        event = await told.next()
        assert event.kind is DriveKind.REFUSED
        assert event.sentence.startswith(f"The stick {Path(stick.node).name} ")
        assert words in event.sentence
        await either.pull("unfit")
        assert (await told.next()).kind is DriveKind.REMOVED


async def test_another_stick_at_the_same_port_is_another_one(
    either: UsbPorts, tmp_path: Path
) -> None:
    one = LoopStick(tmp_path / "one", FILES, "ONE")
    two = LoopStick(tmp_path / "two", FILES, "TWO")
    either.sticks |= {"one": one, "two": two}
    async with listening(either.source()) as told:
        await either.put(one)
        first = (await told.next()).drive
        await asyncio.to_thread(one.pull)
        await either.put(two)
        assert [(await told.next()).kind, (second := await told.next()).kind] == [
            DriveKind.REMOVED,
            DriveKind.ADDED,
        ]
    assert second.drive.device_node == first.device_node
    assert (second.drive.label, second.drive.id != first.id) == ("TWO", True)


async def test_a_file_system_that_the_machine_does_not_know_is_named(
    usb: UsbPorts, tmp_path: Path
) -> None:
    if "minix" in Path("/proc/filesystems").read_text().split():
        pytest.skip("needs a file system that this kernel does not know")
    part = tmp_path / "part"
    part.write_bytes(bytes(2 * 1024 * 1024))
    run("mkfs.minix", part)
    usb.sticks["old"] = LoopStick.of(tmp_path / "old", [part])
    async with listening(usb.source()) as told:
        await usb.put(usb.sticks["old"])
        event = await told.next()
        assert event.kind is DriveKind.REFUSED
        assert event.sentence.endswith(
            "this machine does not know minix. Format it as exFAT or FAT32."
        )
