"""Finding package files on a stick, without believing anything that the stick says."""

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from hotspot.errors import PackageRefused
from hotspot.model.queueing import Offer
from hotspot.package.reader import open_package

SUFFIX = ".bible"
DEPTH = 5
FILES = 500
ENTRIES = 50_000
"""Nobody nests or piles up packages deeper or higher than this; a hostile stick may."""


def find_packages(top: Path) -> list[Path]:
    """The package files below `top`.

    Only plain files count: links, devices and other file systems are passed over, and a folder
    that a broken file system shows twice is looked into once.
    Raises OSError where `top` itself cannot be read. Blocking.
    """
    known = top.stat()
    walk = _Walk(known.st_dev)
    return list(islice(walk.files(top, known.st_ino, DEPTH), FILES))


def offered(path: Path) -> Offer:
    """What a file says it holds. What cannot be read offers nothing, and is soon dealt with."""
    try:
        package = open_package(path)
    except (PackageRefused, OSError):
        return Offer(package_id="", version="0", size=0, has_audio=False)
    return Offer(
        package_id=package.manifest.package_id,
        version=package.manifest.package_version,
        size=package.size,
        has_audio=package.header.package_type.has_audio,
    )


def printable(name: str) -> str:
    """`name` as text that can be shown and sent anywhere: a stick's names can hold any bytes."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


class _Walk:
    """One look through a file system, within limits."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._left = ENTRIES
        self._seen: set[int] = set()

    def files(self, folder: Path, inode: int, depth: int) -> Iterator[Path]:
        if depth == 0 or inode in self._seen:
            return
        self._seen.add(inode)
        with os.scandir(folder) as entries:
            listed = sorted(islice(entries, self._left), key=lambda entry: entry.name)
        self._left -= len(listed)
        for entry in listed:
            try:
                yield from self._look(entry, depth)
            except OSError:
                continue

    def _look(self, entry: os.DirEntry[str], depth: int) -> Iterator[Path]:
        known = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(known.st_mode):
            if known.st_dev == self._device and not entry.name.startswith("."):
                yield from self.files(Path(entry.path), known.st_ino, depth - 1)
        elif stat.S_ISREG(known.st_mode) and _is_package(entry.name):
            yield Path(entry.path)


def _is_package(name: str) -> bool:
    """Files that begin with '._' are what a Mac leaves beside each file it copies."""
    return name.lower().endswith(SUFFIX) and not name.startswith("._")
