"""What every DriveSource promises."""

import asyncio
import hashlib
from pathlib import Path

from hotspot.drives.drive import DriveKind
from tests.drives.conftest import FolderPorts, Ports, UsbPorts, listening

FILES = {"texts/a.bible": b"a package", "readme.txt": b"not a package"}


async def test_a_stick_that_is_there_already_is_told_of(ports: Ports) -> None:
    await ports.plug("ONE", FILES)
    async with listening(ports.source()) as told:
        event = await told.next()
        assert event.kind is DriveKind.ADDED
        assert event.drive.label == "ONE"
        assert event.drive.mount_point is not None
        assert (event.drive.mount_point / "texts/a.bible").read_bytes() == b"a package"


async def test_sticks_that_come_and_go_are_told_of_once_and_in_order(ports: Ports) -> None:
    async with listening(ports.source()) as told:
        await ports.plug("ONE", FILES)
        one = await told.next()
        await ports.plug("WHOLE", FILES)
        whole = await told.next()
        await ports.pull("ONE")
        one_gone = await told.next()
        await ports.pull("WHOLE")
        whole_gone = await told.next()
    assert [event.kind for event in (one, whole)] == [DriveKind.ADDED] * 2
    assert [event.kind for event in (one_gone, whole_gone)] == [DriveKind.REMOVED] * 2
    assert [event.drive.label for event in (one, whole)] == ["ONE", "WHOLE"]
    assert [event.drive.id for event in (one_gone, whole_gone)] == [one.drive.id, whole.drive.id]
    assert one_gone.drive.mount_point is None
    assert one.drive.id != whole.drive.id


async def test_a_stick_keeps_its_id_when_it_comes_back(ports: Ports) -> None:
    async with listening(ports.source()) as told:
        await ports.plug("ONE", FILES)
        first = await told.next()
        await ports.pull("ONE")
        assert (await told.next()).kind is DriveKind.REMOVED
        await ports.plug("ONE", FILES)
        again = await told.next()
    assert again.kind is DriveKind.ADDED
    assert again.drive.id == first.drive.id


async def test_a_new_listener_is_told_of_what_is_there(ports: Ports) -> None:
    await ports.plug("ONE", FILES)
    source = ports.source()
    async with listening(source) as told:
        first = await told.next()
    async with listening(source) as told:
        second = await told.next()
    assert first == second


async def test_a_listener_that_is_cancelled_lets_go(ports: Ports) -> None:
    await ports.plug("ONE", FILES)
    heard = asyncio.Event()

    async def listen() -> None:
        async for _ in ports.source().events():
            heard.set()

    task = asyncio.create_task(listen())
    async with asyncio.timeout(20):
        await heard.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_stick_is_never_written_to(ports: Ports) -> None:
    await ports.plug("ONE", FILES)
    before = fingerprint(ports)
    async with listening(ports.source()) as told:
        event = await told.next()
        assert event.drive.mount_point is not None
        assert list(event.drive.mount_point.rglob("*.bible"))
    assert fingerprint(ports) == before


def fingerprint(ports: Ports) -> object:
    """Everything about the sticks that writing would change."""
    if isinstance(ports, UsbPorts):
        images = [stick.image for stick in ports.sticks.values()]
        return [hashlib.sha256(image.read_bytes()).hexdigest() for image in images]
    assert isinstance(ports, FolderPorts)
    files = sorted(path for path in ports.folder.rglob("*"))
    return [(path, path.stat().st_mtime_ns, content(path)) for path in files]


def content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
