"""The light, on a folder like the kernel's."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hotspot.box.activity import Board
from hotspot.box.light import Light, orders
from hotspot.drives.drive import Drive
from hotspot.errors import PartUnavailable
from hotspot.events import Bus, SyncFinished, SyncStarted
from hotspot.model.activity import Indication

DRIVE = Drive(id="x", device_node="/dev/sdx1", label="BIBLES")


@pytest.fixture
def led(tmp_path: Path) -> Path:
    for name in ("brightness", "delay_on", "delay_off"):
        (tmp_path / name).write_text("0")
    (tmp_path / "trigger").write_text("none usbport [mmc0] timer default-on\n")
    return tmp_path


def reads(led: Path, **files: str) -> Callable[[], bool]:
    return lambda: all((led / name).read_text() == value for name, value in files.items())


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():
            await asyncio.sleep(0.01)


async def test_it_follows_sticks_and_sessions_and_is_given_back(led: Path) -> None:
    bus, syncing = Bus(), False
    board = Board(bus, lambda: syncing)
    task = asyncio.create_task(Light(led, board, bus).run())
    await until(reads(led, trigger="timer", delay_on="50", delay_off="2950"))
    board.began(DRIVE)
    await until(reads(led, trigger="timer", delay_on="100", delay_off="100"))
    board.ended(DRIVE, [], there=True)
    await until(reads(led, trigger="none", brightness="255"))
    board.refused(DRIVE, "It is encrypted.")
    await until(reads(led, trigger="timer", delay_on="900", delay_off="900"))
    board.went(DRIVE)
    syncing = True
    bus.publish(SyncStarted())
    await until(reads(led, trigger="timer", delay_on="50", delay_off="450"))
    syncing = False
    bus.publish(SyncFinished(True, 0, 0, ""))
    await until(reads(led, delay_off="2950"))
    task.cancel()
    await asyncio.wait([task])
    assert (led / "trigger").read_text() == "mmc0"


async def test_files_that_are_a_moment_late_are_waited_for(led: Path) -> None:
    (led / "delay_off").unlink()
    bus = Bus()
    task = asyncio.create_task(Light(led, Board(bus, lambda: False), bus).run())
    await until(reads(led, trigger="timer", delay_on="50"))
    (led / "delay_off").write_text("0")
    await until(reads(led, delay_off="2950"))
    task.cancel()
    await asyncio.wait([task])


async def test_a_light_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    bus = Bus()
    with pytest.raises(PartUnavailable, match=r"The light .* cannot be used \(No such file"):
        await Light(tmp_path / "ACT", Board(bus, lambda: False), bus).run()


def test_a_steady_light_does_not_blink() -> None:
    assert orders(Indication.SAFE_TO_REMOVE) == [("trigger", "none"), ("brightness", "255")]
