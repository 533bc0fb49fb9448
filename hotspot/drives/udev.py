"""Sticks as udev tells of them."""

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyudev

from hotspot.drives.direct import DirectMounter
from hotspot.drives.drive import Drive, DriveEvent, DriveKind
from hotspot.drives.events import SECTORS, Tracker
from hotspot.drives.mounting import Mounter
from hotspot.drives.system import SystemMounter
from hotspot.errors import DriveRefused, PartUnavailable

CONTROL = Path("/run/udev/control")


class Sighting(msgspec.Struct, frozen=True):
    """One message of udev about a block device."""

    action: str
    properties: Mapping[str, str]


class UdevDrives:
    """A DriveSource: the sticks in this machine's USB ports, mounted read-only."""

    def __init__(self, mounter: Mounter | None = None) -> None:
        """`mounter`: None for the one of this process: only root may mount by itself."""
        self._mounter = mounter or (DirectMounter() if os.geteuid() == 0 else SystemMounter())

    async def events(self) -> AsyncGenerator[DriveEvent, None]:
        monitor = await asyncio.to_thread(_monitor)
        with _listening(monitor) as sightings:
            output: asyncio.Queue[DriveEvent | None] = asyncio.Queue()
            pump = asyncio.create_task(_Pump(self._mounter, output).run(sightings))
            pump.add_done_callback(lambda _: output.put_nowait(None))
            try:
                while (event := await output.get()) is not None:
                    yield event
                await pump
            finally:
                pump.cancel()
                await asyncio.wait([pump])
                await self._mounter.clear()


class _Pump:
    """Turns sightings into events of mounted sticks; a slow stick holds up no other."""

    def __init__(self, mounter: Mounter, output: asyncio.Queue[DriveEvent | None]) -> None:
        self._mounter = mounter
        self._output = output
        self._tracker = Tracker()
        self._told: dict[str, Drive] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, sightings: asyncio.Queue[Sighting | None]) -> None:
        await self._mounter.clear()
        async with asyncio.TaskGroup() as group:
            while True:
                for event in await self._news(await sightings.get()):
                    group.create_task(self._settle(event))

    async def _news(self, sighting: Sighting | None) -> list[DriveEvent]:
        if sighting is None:
            return self._tracker.survey(await asyncio.to_thread(_present))
        return self._tracker.see(sighting.action, sighting.properties)

    async def _settle(self, event: DriveEvent) -> None:
        """Mounts or lets go of the stick, and passes the event on; in order for each device."""
        async with self._turns[event.drive.device_node]:
            if event.kind is DriveKind.ADDED:
                await self._add(event.drive)
            elif event.kind is DriveKind.REMOVED:
                await self._remove(event.drive)
            else:
                self._tell(event)

    async def _add(self, drive: Drive) -> None:
        try:
            place = await self._mounter.mount(drive)
        except DriveRefused as refusal:
            if self._tracker.knows(drive):
                self._tell(DriveEvent(DriveKind.REFUSED, drive, str(refusal)))
            return
        if place is not None:
            ready = msgspec.structs.replace(drive, mount_point=place)
            self._tell(DriveEvent(DriveKind.ADDED, ready))

    async def _remove(self, drive: Drive) -> None:
        await self._mounter.unmount(drive)
        told = self._told.pop(drive.device_node, None)
        if told is not None:
            gone = msgspec.structs.replace(told, mount_point=None)
            self._output.put_nowait(DriveEvent(DriveKind.REMOVED, gone))

    def _tell(self, event: DriveEvent) -> None:
        self._told[event.drive.device_node] = event.drive
        self._output.put_nowait(event)


@contextmanager
def _listening(monitor: pyudev.Monitor) -> Iterator[asyncio.Queue[Sighting | None]]:
    """What udev says from now on. None stands for "look for yourself": first of all, so that
    nothing falls between looking and listening, and whenever messages were lost.
    """
    sightings: asyncio.Queue[Sighting | None] = asyncio.Queue()
    sightings.put_nowait(None)
    loop = asyncio.get_running_loop()
    loop.add_reader(monitor.fileno(), _drain, monitor, sightings)
    try:
        yield sightings
    finally:
        loop.remove_reader(monitor.fileno())


def _drain(monitor: pyudev.Monitor, sightings: asyncio.Queue[Sighting | None]) -> None:
    """Takes all that udev has said; messages that found no room are made up for by looking."""
    lost = False
    while True:
        try:
            device = monitor.poll(timeout=0)
        except OSError:
            if _take_error(monitor) == 0:
                raise
            lost = True
            continue
        if device is None:
            break
        sightings.put_nowait(Sighting(device.action, _properties(device)))
    if lost:
        sightings.put_nowait(None)


def _take_error(monitor: pyudev.Monitor) -> int:
    """The error number that the monitor's socket holds; it stands in the way until it is taken."""
    with socket.socket(fileno=os.dup(monitor.fileno())) as receiver:
        return receiver.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _monitor() -> pyudev.Monitor:
    """A monitor that has begun to listen. Raises PartUnavailable. Blocking."""
    if not CONTROL.exists():
        raise PartUnavailable("USB sticks cannot be noticed: udev does not run on this machine.")
    try:
        monitor = pyudev.Monitor.from_netlink(pyudev.Context())
        monitor.filter_by("block")
        monitor.start()
    except (ImportError, OSError) as error:
        raise PartUnavailable(
            f"USB sticks cannot be noticed: udev does not answer ({error})."
        ) from None
    return monitor


def _present() -> list[dict[str, str]]:
    """The properties of every block device that udev has dealt with. Blocking."""
    context = pyudev.Context()
    devices = context.list_devices(subsystem="block").match_is_initialized()
    return [_properties(device) for device in devices]


def _properties(device: pyudev.Device) -> dict[str, str]:
    """What udev knows of a device, and its size in sectors of 512 bytes."""
    sectors = device.attributes.get("size") or b"0"
    return {**device.properties, SECTORS: sectors.decode()}
