"""Sticks to plug in and pull out: loop devices under a real udevd, or plain folders."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from hotspot.drives import mountinfo
from hotspot.drives.direct import DirectMounter
from hotspot.drives.drive import DriveEvent, DriveSource
from hotspot.drives.folder import FolderDrives
from hotspot.drives.mounting import ROOT, Mounter
from hotspot.drives.system import SystemMounter
from hotspot.drives.udev import UdevDrives
from tests.support import sticks, units
from tests.support.requirements import needs

DEADLINE_S = 30.0


class Ports(Protocol):
    """Where a test plugs sticks in."""

    def source(self) -> DriveSource:
        """A source that tells of the sticks here."""
        ...

    async def plug(self, name: str, files: Mapping[str, bytes]) -> None:
        """Plugs in a stick: a new one, or the one of that name that was pulled out."""
        ...

    async def pull(self, name: str) -> None:
        """Pulls out a stick."""
        ...


class FolderPorts:
    """Folders in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "drives"
        self.folder.mkdir()

    def source(self) -> DriveSource:
        return FolderDrives(self.folder, every_s=0.02)

    async def plug(self, name: str, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            file = self.folder / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    async def pull(self, name: str) -> None:
        shutil.rmtree(self.folder / name)


class UsbPorts:
    """Loop devices that udev takes for USB; with a partition table, except those named WHOLE."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.root = root
        self.mounter: Mounter = DirectMounter(root)
        self._folder = folder
        self.sticks: dict[str, sticks.LoopStick] = {}
        self._hands = ThreadPoolExecutor(20)

    def source(self) -> DriveSource:
        return UdevDrives(self.mounter)

    async def plug(self, name: str, files: Mapping[str, bytes]) -> None:
        if name not in self.sticks:
            image = self._folder / name
            self.sticks[name] = sticks.LoopStick(image, files, name, table=name != "WHOLE")
        await self.put(self.sticks[name])

    async def put(self, stick: sticks.LoopStick) -> None:
        """Plugs a stick in. Not by the threads that the sticks' readers need."""
        await asyncio.get_running_loop().run_in_executor(self._hands, stick.plug)

    async def pull(self, name: str) -> None:
        stick = self.sticks[name]
        await asyncio.get_running_loop().run_in_executor(self._hands, stick.pull)

    def unmount_all(self) -> list[Path]:
        """Unmounts what is still mounted, and says where it was."""
        nodes = {node for stick in self.sticks.values() for node in stick.nodes}
        left = [mount.mount_point for mount in mountinfo.read() if mount.source in nodes]
        for place in reversed(left):
            sticks.run("umount", "--lazy", place)
        return left

    def pull_all(self) -> None:
        for stick in self.sticks.values():
            stick.pull()
        self._hands.shutdown()


@pytest.fixture(scope="package")
def udevd() -> Iterator[None]:
    """A udevd for all the tests of this folder."""
    needs("udev")
    needs("loop")
    with sticks.udevd():
        yield


@pytest.fixture
def usb(udevd: None, tmp_path: Path) -> Iterator[UsbPorts]:
    """Loop devices. When the test ends, whoever mounted one must have let go of it."""
    root = Path("/run/hotspot-test")
    root.mkdir(exist_ok=True)
    ports = UsbPorts(tmp_path, root)
    yield ports
    left = ports.unmount_all()
    ports.pull_all()
    shutil.rmtree(root)
    assert not left


@pytest.fixture
def mounts(usb: UsbPorts) -> Path:
    """The folder in which the sticks of `usb` are mounted."""
    return usb.root


@pytest.fixture
def by_system(usb: UsbPorts) -> Iterator[UsbPorts]:
    """`usb`, but a stand-in for systemd mounts, by the commands of the project's unit."""
    usb.mounter = SystemMounter(patience_s=10)
    with units.serving():
        yield usb
    assert not [mount for mount in mountinfo.read() if ROOT in mount.mount_point.parents]


@pytest.fixture(params=["direct", "system"])
def either(request: pytest.FixtureRequest) -> UsbPorts:
    """Loop devices that each kind of mounter mounts in turn."""
    usb: UsbPorts = request.getfixturevalue("usb" if request.param == "direct" else "by_system")
    return usb


@pytest.fixture(params=["folder", "direct", "system"])
def ports(request: pytest.FixtureRequest, tmp_path: Path) -> Ports:
    """Each kind of port in turn, and each way of mounting."""
    if request.param == "folder":
        return FolderPorts(tmp_path)
    usb: UsbPorts = request.getfixturevalue("usb" if request.param == "direct" else "by_system")
    return usb


class Told:
    """What a source tells, event by event."""

    def __init__(self, events: AsyncIterator[DriveEvent]) -> None:
        self._events = events

    async def next(self) -> DriveEvent:
        """The next event; fails where none comes in time."""
        async with asyncio.timeout(DEADLINE_S):
            return await anext(self._events)


@asynccontextmanager
async def listening(source: DriveSource) -> AsyncIterator[Told]:
    """A listener, which closes the source's iterator at the end."""
    async with aclosing(source.events()) as events:
        yield Told(events)
