"""Mounting by this process itself, which has to be root."""

import asyncio
import logging
import os
from pathlib import Path

from hotspot.drives import mountinfo
from hotspot.drives.drive import Drive
from hotspot.drives.mounting import (
    OPTIONS,
    ROOT,
    is_for_sticks,
    options,
    place_for,
    place_of,
    refusal,
    types,
)
from hotspot.errors import DriveRefused

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""A damaged stick can keep the kernel busy for long; another one must not wait for it."""

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}
"""What mount(8) says is read; and drivers outside the kernel take names' encoding from here."""


class DirectMounter:
    """Mounts each stick itself, in a folder below `root` named like its device."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    async def mount(self, drive: Drive) -> Path | None:
        place = await asyncio.to_thread(place_of, drive)
        if place is not None:
            return place if is_for_sticks(place, self._root) else None
        if await _run("findmnt", "--fstab", "--source", drive.device_node) is None:
            return None
        target = place_for(drive, self._root)
        await asyncio.to_thread(target.mkdir, parents=True, exist_ok=True)
        said = await _mount(drive, target)
        if said is not None:
            await self._release(target)
            raise DriveRefused(refusal(drive, said))
        return target

    async def unmount(self, drive: Drive) -> None:
        await self._release(place_for(drive, self._root))

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
            await _run("blockdev", "--setrw", Path("/dev", target.name))
        await asyncio.to_thread(_remove_folder, target)


async def _mount(drive: Drive, target: Path) -> str | None:
    """Mounts a device that the kernel has been told to keep from every driver's writing.

    Once more for the options that drivers outside the kernel forget. Returns what went wrong.
    """
    node, kind, how = drive.device_node, types(drive.fs_type), options(drive.fs_type)
    return (
        await _run("blockdev", "--setro", node)
        or await _run("mount", "-t", kind, "-o", how, node, target)
        or await _run("mount", "-o", f"remount,bind,{OPTIONS}", target)
    )


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
            env=ENVIRONMENT,
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
