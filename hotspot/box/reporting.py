"""What this hotspot tells its server of itself."""

import asyncio
import shutil
from pathlib import Path

from hotspot import __version__
from hotspot.clock import Clock
from hotspot.model.box import BoxReport
from hotspot.store.store import HotspotStore

HWMON = Path("/sys/class/hwmon")
THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
_UNDERVOLTAGE_NOW_OR_SINCE_BOOT = 0x1 | 0x10000


async def box_report(
    store: HotspotStore, clock: Clock, folder: Path, last_error: str | None
) -> BoxReport:
    """The report. `folder`: the data folder; `last_error`: why the last session ended early."""
    health = await store.sync_health()
    disk = await asyncio.to_thread(shutil.disk_usage, folder)
    return BoxReport(
        version=__version__,
        pending=health["pending"],
        conflicts=health["conflicts"],
        pending_packages=health["pendingPackages"],
        failed_syncs=health["failedSyncs"],
        oldest_pending_sync=health["oldestPendingSync"],
        last_error=last_error,
        disk_free_bytes=disk.free,
        disk_bytes=disk.total,
        undervoltage=await asyncio.to_thread(undervoltage),
        clock_trusted=clock.trusted,
        downloads=await store.downloads_to_tell(),
    )


async def reports_told(store: HotspotStore, report: BoxReport) -> None:
    """The server has got the report: what it counts is not told again until it has grown."""
    if report.downloads:
        await store.downloads_told(report.downloads)


def undervoltage(throttled: Path = THROTTLED, hwmon: Path = HWMON) -> bool | None:
    """Whether the Raspberry Pi got too little power, now or since it started; None elsewhere."""
    try:
        return bool(int(throttled.read_text(), 16) & _UNDERVOLTAGE_NOW_OR_SINCE_BOOT)
    except (OSError, ValueError):
        pass
    for name in hwmon.glob("*/name"):
        try:
            if name.read_text().strip() == "rpi_volt":
                return (name.parent / "in0_lcrit_alarm").read_text().strip() == "1"
        except OSError:
            continue
    return None
