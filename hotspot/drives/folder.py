"""A folder that stands in for USB ports: each folder in it is taken for a mounted stick."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path

from hotspot.drives.drive import Drive, DriveEvent, DriveKind

SUFFIX = ".bible"
DEPTH = 5
"""How deep packages are looked for."""
EVERY_S = 0.5

Files = frozenset[tuple[str, int, int]]
"""The package files of a stick: path, size in bytes, time of the last change in nanoseconds."""


class FolderDrives:
    """A DriveSource: the folders in `folder`, looked at every `every_s` seconds.

    While the folder itself is missing there are no sticks in it.
    """

    def __init__(self, folder: Path, every_s: float = EVERY_S) -> None:
        self._folder = folder
        self._every_s = every_s

    async def events(self) -> AsyncGenerator[DriveEvent, None]:
        told: dict[str, Files] = {}
        before: dict[str, Files] = {}
        while True:
            now = await asyncio.to_thread(look, self._folder)
            for kind, name in news(told, before, now):
                yield DriveEvent(kind, _drive(self._folder / name, kind))
            before = now
            await asyncio.sleep(self._every_s)


def news(
    told: dict[str, Files], before: Mapping[str, Files], now: Mapping[str, Files]
) -> list[tuple[DriveKind, str]]:
    """What has happened since `told`, which is brought up to date.

    A stick counts once it looks as it did `before`: files are still being copied into others.
    """
    events = [(DriveKind.REMOVED, name) for name in sorted(told.keys() - now.keys())]
    for _, name in events:
        del told[name]
    for name in sorted(now):
        files = now[name]
        if before.get(name) != files:
            continue
        if name not in told:
            events.append((DriveKind.ADDED, name))
        elif files - told[name]:
            events.append((DriveKind.CHANGED, name))
        told[name] = files
    return events


def look(folder: Path) -> dict[str, Files]:
    """The sticks in `folder`, each with its package files. Blocking."""
    try:
        sticks = [entry for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return {}
    return {stick.name: frozenset(_packages(stick.path, DEPTH)) for stick in sticks}


def _packages(folder: str, depth: int) -> Iterator[tuple[str, int, int]]:
    """The package files below `folder`; what vanishes while we look is not there."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth > 1:
                    yield from _packages(entry.path, depth - 1)
            elif entry.name.lower().endswith(SUFFIX):
                known = entry.stat(follow_symlinks=False)
                yield entry.path, known.st_size, known.st_mtime_ns
        except OSError:
            continue


def _drive(stick: Path, kind: DriveKind) -> Drive:
    gone = kind is DriveKind.REMOVED
    return Drive(
        id=stick.name,
        device_node=str(stick),
        fs_type="folder",
        label=stick.name,
        mount_point=None if gone else stick,
    )
