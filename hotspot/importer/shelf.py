"""The folders in the data folder that packages lie in: what is cut, whole, or left over. Blocking.

incoming/ holds copies that are under way (SHA-256 of the content, `.part`) and rows being checked
(`.staging`); packages/ holds whole files, and beside each what belongs to it under a longer name.
"""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from hotspot.config import Config
from hotspot.model.plan import Room

PACKAGE = ".bible"
PART = ".part"


class Shelf:
    """What importing does to files on the card."""

    def __init__(self, config: Config) -> None:
        self._packages = config.packages
        self._incoming = config.incoming
        self._reserve = config.reserve_mb * 1_000_000

    def make(self) -> None:
        """Makes the folders, and clears what only a running import can use."""
        for folder in (self._packages, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            if leftover.suffix != PART:
                leftover.unlink()

    def part(self, content_sha256: str) -> Path:
        """Where a copy of the package with this content grows."""
        return self._incoming / f"{content_sha256}{PART}"

    def staging(self, sha256: str) -> Path:
        return self._incoming / f"{sha256}.staging"

    def final(self, sha256: str) -> Path:
        """Where the package with this SHA-256 lies once it is verified."""
        return self._packages / f"{sha256}{PACKAGE}"

    def room(self, part: Path) -> tuple[Room, int]:
        """The card as a plan looks at it, and the bytes of `part` that are there already."""
        copied = part.stat().st_size if part.exists() else 0
        others = sum(other.stat().st_blocks * 512 for other in self._cut_copies(part))
        return Room(self.free(), self._reserve, others), copied

    def free(self) -> int:
        """Bytes free on the card."""
        return shutil.disk_usage(self._incoming).free

    @property
    def full(self) -> bool:
        """Whether what is free is no more than the reserve."""
        return self.free() <= self._reserve

    def drop_cut_copies(self, but: Path) -> None:
        """Deletes copies of other packages that were cut off: they can be copied again."""
        for other in self._cut_copies(but):
            other.unlink()

    def _cut_copies(self, but: Path) -> list[Path]:
        return [path for path in self._incoming.glob(f"*{PART}") if path != but]

    def shelve(self, file: Path, final: Path) -> None:
        """Renames a file whose bytes are durable, and makes the new name durable."""
        if file != final:
            file.replace(final)
        _sync_folder(final.parent)

    def unpublished(self, used: Collection[str]) -> list[Path]:
        """Packages on the shelf that are not in `used`."""
        return sorted(p for p in self._packages.glob(f"*{PACKAGE}") if p.name not in used)

    def delete(self, names: Collection[str]) -> None:
        """Deletes package files and what belongs to them; who reads one reads it to its end."""
        for name in names:
            for path in (self._packages / name, *self._packages.glob(f"{name}.*")):
                path.unlink(missing_ok=True)

    def delete_strays(self, used: Collection[str], *, keep_parts: bool) -> list[str]:
        """Deletes what belongs to no file in `used`; `keep_parts`: downloads may go on.

        Returns the names.
        """
        gone = []
        for path in sorted(self._packages.iterdir()):
            base = path.name[: path.name.find(PACKAGE) + len(PACKAGE)]
            owned = path.name in used or (PACKAGE in path.name and base in used)
            if not owned and not (keep_parts and path.suffix == PART) and path.is_file():
                path.unlink()
                gone.append(path.name)
        return gone


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
