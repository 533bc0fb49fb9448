"""A light that shows what goes on, where the settings name one of /sys/class/leds."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from hotspot.box.activity import Board
from hotspot.errors import PartUnavailable
from hotspot.events import Bus, SticksChanged, SyncFinished, SyncStarted
from hotspot.model.activity import PATTERNS, Indication

SETTLE_S = 0.1
"""What is over sooner is not shown."""
PATIENCE_S = 2.0
"""udev gives the files of a pattern to the hotspot's user, a moment after they have appeared."""
RETRY_S = 0.05
BRIGHTEST = "255"
"""More than some lights have; the kernel takes the most that there is."""


class Light:
    """Shows a board's indication on one LED, whose folder is `folder`."""

    def __init__(self, folder: Path, board: Board, bus: Bus) -> None:
        self._folder = folder
        self._board = board
        self._bus = bus

    async def run(self) -> None:
        """Follows the board until cancelled, and gives the LED back. Raises PartUnavailable."""
        before = await asyncio.to_thread(_trigger, self._folder)
        shown: Indication | None = None
        try:
            with self._bus.listen(SticksChanged, SyncStarted, SyncFinished) as events:
                while True:
                    if (now := self._board.indication) is not shown:
                        await asyncio.to_thread(_write, self._folder, orders(now))
                        shown = now
                    await events.next()
                    await asyncio.sleep(SETTLE_S)
                    events.waiting()
        finally:
            with suppress(PartUnavailable):
                await asyncio.to_thread(_write, self._folder, [("trigger", before)])


def orders(indication: Indication) -> list[tuple[str, str]]:
    """What to write into which file of the LED, in this order."""
    pattern = PATTERNS[indication]
    if pattern.off_ms == 0:
        return [("trigger", "none"), ("brightness", BRIGHTEST)]
    return [
        ("trigger", "timer"),
        ("delay_on", str(pattern.on_ms)),
        ("delay_off", str(pattern.off_ms)),
    ]


def _trigger(folder: Path) -> str:
    """What the LED follows now: the name in brackets among all that there are. Blocking."""
    try:
        listed = (folder / "trigger").read_text().split()
    except OSError as error:
        raise _unavailable(folder, error) from None
    return next((name[1:-1] for name in listed if name.startswith("[")), "none")


def _write(folder: Path, writes: list[tuple[str, str]]) -> None:
    """Blocking. Raises PartUnavailable."""
    deadline = time.monotonic() + PATIENCE_S
    for name, value in writes:
        while (error := _attempt(folder / name, value)) is not None:
            if time.monotonic() > deadline:
                raise _unavailable(folder, error)
            time.sleep(RETRY_S)


def _attempt(file: Path, value: str) -> OSError | None:
    """Writes to a file of the kernel, which is never made; the error, if there is one."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        return error
    return None


def _unavailable(folder: Path, error: OSError) -> PartUnavailable:
    why = os.strerror(error.errno or 0)
    return PartUnavailable(f"The light {folder} cannot be used ({why}): see status_led.")
