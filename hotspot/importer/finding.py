"""Finding package files on a stick, without believing anything that the stick says."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".bible"
DEPTH = 5
FILES = 500
"""Nobody nests or piles up packages deeper or higher than this; a hostile stick may."""


def find_packages(top: Path) -> list[Path]:
    """The package files below `top`, small ones first, so that texts come before audio.

    Only plain files count: links, devices and other file systems are passed over.
    Raises OSError where `top` itself cannot be read. Blocking.
    """
    device = top.stat().st_dev
    found = []
    for entry, size in _walk(top, device, DEPTH):
        found.append((size, entry))
        if len(found) == FILES:
            break
    return [path for _, path in sorted(found)]


def printable(name: str) -> str:
    """`name` as text that can be shown and sent anywhere: a stick's names can hold any bytes."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


def _walk(folder: Path, device: int, depth: int) -> Iterator[tuple[Path, int]]:
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        try:
            known = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(known.st_mode) and known.st_dev == device and depth > 1:
                if not entry.name.startswith("."):
                    yield from _walk(Path(entry.path), device, depth - 1)
            elif stat.S_ISREG(known.st_mode) and _is_package(entry.name):
                yield Path(entry.path), known.st_size
        except OSError:
            continue


def _is_package(name: str) -> bool:
    """Files that begin with '._' are what a Mac leaves beside each file it copies."""
    return name.lower().endswith(SUFFIX) and not name.startswith("._")
