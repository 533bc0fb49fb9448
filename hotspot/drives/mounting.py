"""Making the files of a stick readable, without ever writing to it."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Protocol

from hotspot.drives import mountinfo
from hotspot.drives.drive import Drive
from hotspot.errors import DriveRefused

log = logging.getLogger(__name__)

ROOT = Path("/run/hotspot/drives")
PATIENCE_S = 30.0
"""A damaged stick can keep the kernel busy for long; another one must not wait for it."""
LOOK_EVERY_S = 0.25

OPTIONS = "ro,nosuid,nodev,noexec"
MORE_OPTIONS = {"ext3": "noload", "ext4": "noload", "xfs": "norecovery", "vfat": "utf8"}
"""Mounting read-only would still replay a journal; and FAT has to be told the names' encoding."""

STICK_FOLDERS = (Path("/media"), Path("/mnt"), Path("/run"))
"""A USB disk that is mounted elsewhere is the system's own, and no stick."""


class Mounter(Protocol):
    """Who mounts sticks."""

    async def mount(self, drive: Drive) -> Path | None:
        """Where the files of `drive` can be read; None where it belongs to the system.

        A stick that is mounted already is used where it is. Raises DriveRefused.
        """
        ...

    async def unmount(self, drive: Drive) -> None:
        """Lets go of a stick, which may be gone already. Never fails."""
        ...

    async def clear(self) -> None:
        """Lets go of every stick that this mounter, or one before it, has mounted."""
        ...


def mounter() -> Mounter:
    """The mounter for this process: only root may mount; for others the system does it."""
    return DirectMounter() if os.geteuid() == 0 else SystemMounter()


def options(fs_type: str) -> str:
    """The mount options for a file system."""
    more = MORE_OPTIONS.get(fs_type)
    return OPTIONS if more is None else f"{OPTIONS},{more}"


class DirectMounter:
    """Mounts each stick itself, in a folder below `root` named like its device. Needs root."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    async def mount(self, drive: Drive) -> Path | None:
        place = await _place_of(drive)
        if place is not None:
            return place if _is_for_sticks(place, self._root) else None
        target = _folder(self._root, drive)
        await asyncio.to_thread(target.mkdir, parents=True, exist_ok=True)
        said = await _run(
            "mount", "-t", drive.fs_type, "-o", options(drive.fs_type), drive.device_node, target
        )
        if said is not None:
            await asyncio.to_thread(_remove_folder, target)
            raise DriveRefused(f"The stick {drive.name} cannot be read ({said}).")
        return target

    async def unmount(self, drive: Drive) -> None:
        await self._release(_folder(self._root, drive))

    async def clear(self) -> None:
        for mount in reversed(await asyncio.to_thread(mountinfo.read)):
            if self._root in mount.mount_point.parents:
                await self._release(mount.mount_point)

    async def _release(self, target: Path) -> None:
        """Unmounts at once, even a stick that somebody still reads: it may be gone."""
        if await asyncio.to_thread(target.is_mount):
            said = await _run("umount", "--lazy", target)
            if said is not None:
                log.warning("%s cannot be unmounted (%s).", target, said)
        await asyncio.to_thread(_remove_folder, target)


class SystemMounter:
    """Waits until the system (hotspot-mount@.service, a desktop) has mounted the stick."""

    def __init__(self, root: Path = ROOT, patience_s: float = PATIENCE_S) -> None:
        self._root = root
        self._patience_s = patience_s

    async def mount(self, drive: Drive) -> Path | None:
        try:
            async with asyncio.timeout(self._patience_s):
                place = await _appears(drive)
        except TimeoutError:
            unit = f"hotspot-mount@{Path(drive.device_node).name}.service"
            raise DriveRefused(
                f"The stick {drive.name} cannot be read: the system did not mount it "
                f"(see 'journalctl -u {unit}')."
            ) from None
        return place if _is_for_sticks(place, self._root) else None

    async def unmount(self, drive: Drive) -> None:
        """The system unmounts what it mounted."""

    async def clear(self) -> None:
        """The system unmounts what it mounted."""


async def _appears(drive: Drive) -> Path:
    """Where `drive` is mounted, as soon as it is; the kernel has no signal for it that can be had
    on an event loop."""
    while True:
        place = await _place_of(drive)
        if place is not None:
            return place
        await asyncio.sleep(LOOK_EVERY_S)


async def _place_of(drive: Drive) -> Path | None:
    return mountinfo.place_of(drive, await asyncio.to_thread(mountinfo.read))


def _is_for_sticks(place: Path, root: Path) -> bool:
    return any(folder in place.parents for folder in (root, *STICK_FOLDERS))


def _folder(root: Path, drive: Drive) -> Path:
    return root / Path(drive.device_node).name


def _remove_folder(folder: Path) -> None:
    """Removes `folder` if it is empty; what still stands in it is not ours to remove."""
    try:
        folder.rmdir()
    except OSError as error:
        log.debug("%s stays (%s).", folder, error.strerror)


async def _run(program: str, *arguments: str | Path) -> str | None:
    """Runs a program: None when it succeeded, otherwise what it said, in one line."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        return f"{program} cannot be started: {error.strerror}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, said = await process.communicate()
    except TimeoutError:
        return f"{program} did not finish in {PATIENCE_S:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode == 0:
        return None
    return " ".join(said.decode(errors="replace").split()) or f"{program} failed"
