"""What a hotspot holds and does, in numbers: files, room, imports, sessions, downloads, answers."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hotspot.config import Config
from hotspot.http.counting import DownloadCounter
from hotspot.importer.importer import Importer
from hotspot.model.prometheus import Metric, Sample
from hotspot.model.traffic import Traffic
from hotspot.syncing.syncer import Syncer

_PHASES = ("waiting", "copying", "checking")


class Room(msgspec.Struct, frozen=True):
    """What lies in the data folder, in bytes; `packages` and `incoming` are folders there."""

    database: int
    packages: int
    incoming: int
    free: int
    total: int


def room(config: Config) -> Room:
    """Looks; blocks."""
    database = config.database
    parts = [database, *(database.with_name(f"{database.name}-{end}") for end in ("wal", "shm"))]
    disk = shutil.disk_usage(config.data_dir)
    return Room(
        sum(part.stat().st_size for part in parts if part.exists()),
        _folder_size(config.packages),
        _folder_size(config.incoming),
        disk.free,
        disk.total,
    )


def _folder_size(folder: Path) -> int:
    """Bytes of the files in a folder; one that goes while it is looked at counts nothing."""
    size = 0
    if folder.exists():
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    size += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue
    return size


class Measures:
    """The measures of one running hotspot. `syncer`: None where no upstream is set."""

    def __init__(
        self,
        config: Config,
        importer: Importer,
        syncer: Syncer | None,
        downloads: DownloadCounter,
        traffic: Traffic,
    ) -> None:
        self._config = config
        self._importer = importer
        self._syncer = syncer
        self._downloads = downloads
        self._traffic = traffic

    async def metrics(self) -> list[Metric]:
        """All of them, as they are now."""
        phases = Counter(one.phase for one in self._importer.under_way())
        return [
            *_room_metrics(await asyncio.to_thread(room, self._config)),
            _labelled("imports_under_way", "Package files.", {one: phases[one] for one in _PHASES}),
            *self._sync_metrics(),
            Metric(
                "hotspot_downloads_total",
                "counter",
                "Packages that went out to their end since the start.",
                tuple(
                    Sample(count, {"package": package_id})
                    for package_id, count in sorted(self._downloads.since_start.items())
                ),
            ),
            *self._traffic.metrics(),
        ]

    def _sync_metrics(self) -> list[Metric]:
        if self._syncer is None:
            return []
        found = [_gauge("syncing", "1 while a session is under way.", self._syncer.busy)]
        if (last := self._syncer.last) is not None:
            good = last.error is None
            found.append(_gauge("last_sync_success", "1 if the last session went well.", good))
        return found


def _room_metrics(found: Room) -> list[Metric]:
    stored = {
        "database": found.database,
        "packages": found.packages,
        "incoming": found.incoming,
    }
    return [
        _labelled("stored_bytes", "What lies in the data folder.", stored, "part"),
        _gauge("disk_free_bytes", "Room on the card.", found.free),
        _gauge("disk_bytes", "Size of the card.", found.total),
    ]


def _gauge(name: str, described: str, value: float) -> Metric:
    return Metric(f"hotspot_{name}", "gauge", described, (Sample(value),))


def _labelled(
    name: str, described: str, values: Mapping[str, float], label: str = "phase"
) -> Metric:
    samples = tuple(Sample(value, {label: named}) for named, value in values.items())
    return Metric(f"hotspot_{name}", "gauge", described, samples)
