"""Mounting by the system, for a process that is not root."""

import asyncio
from contextlib import suppress
from pathlib import Path

from hotspot.drives import mountinfo
from hotspot.drives.drive import Drive
from hotspot.drives.mounting import GUARDS, ROOT, is_for_sticks, place_for, refusal
from hotspot.errors import DriveRefused

PATIENCE_S = 30.0
"""As long as mounting may take; a damaged stick can keep the kernel busy."""
LOOK_EVERY_S = 0.2
"""How often to see whether the unit has failed, of which the kernel says nothing."""


class SystemMounter:
    """Waits until the system (hotspot-mount@.service, a desktop) has mounted the stick."""

    def __init__(self, root: Path = ROOT, patience_s: float = PATIENCE_S) -> None:
        self._root = root
        self._patience_s = patience_s

    async def mount(self, drive: Drive) -> Path | None:
        place = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                place = await self._appears(drive)
        if place is None:
            said = await asyncio.to_thread(_said, place_for(drive, self._root))
            unit = f"hotspot-mount@{Path(drive.device_node).name}.service"
            why = f"the system did not mount it, see 'journalctl -u {unit}'"
            raise DriveRefused(refusal(drive, said or why))
        return place if is_for_sticks(place, self._root) else None

    async def _appears(self, drive: Drive) -> Path | None:
        """Where `drive` is mounted, as soon as it is; None as soon as the unit has failed."""
        failed = place_for(drive, self._root).with_suffix(".failed")
        with mountinfo.changes() as changed:
            while (place := await asyncio.to_thread(self._place_of, drive)) is None:
                if await asyncio.to_thread(failed.exists):
                    return None
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), LOOK_EVERY_S)
                changed.clear()
            return place

    def _place_of(self, drive: Drive) -> Path | None:
        """The unit's own mount counts when the unit has done all that it does."""
        for mount in reversed(mountinfo.mounts_of(drive, mountinfo.read())):
            if self._root not in mount.mount_point.parents or mount.options >= GUARDS:
                return mount.mount_point
        return None

    async def unmount(self, drive: Drive) -> None:
        """The system unmounts what it mounted."""

    async def clear(self) -> None:
        """The system unmounts what it mounted."""


def _said(place: Path) -> str:
    """What the unit's mount(8) said, where it failed."""
    try:
        return " ".join(place.with_name(f"{place.name}.said").read_text(errors="replace").split())
    except OSError:
        return ""
