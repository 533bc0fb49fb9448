"""Images of file systems with files in them, and of sticks with partitions."""

import shutil
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import run

SECTOR = 512
FIRST_SECTOR = 2048
SIZE = 16 * 1024 * 1024
DRIVERS = {"exfat": "mount.exfat-fuse", "ntfs": "ntfs-3g"}
"""Programs that can write what the kernel may not know."""

Fill = Callable[[Path, Mapping[str, bytes], str], None]


def make(
    image: Path, files: Mapping[str, bytes], label: str, kind: str = "ext4", size: int = SIZE
) -> Path:
    """Makes `image` a file system of this kind (ext4, vfat, exfat, ntfs) with these files."""
    image.touch()
    with image.open("r+b") as file:
        file.truncate(size)
    _FILL[kind](image, files, label)
    return image


def with_table(image: Path, parts: Sequence[Path]) -> Path:
    """Makes `image` a stick with a partition table and these file systems."""
    table, first = b"", FIRST_SECTOR
    with image.open("wb") as stick:
        for part in parts:
            sectors = part.stat().st_size // SECTOR
            table += struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), first, sectors)
            stick.seek(first * SECTOR)
            with part.open("rb") as content:
                shutil.copyfileobj(content, stick, 1024 * 1024)
            first += sectors
        stick.truncate(first * SECTOR)
        stick.seek(0)
        stick.write(bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa")
    return image


def luks(image: Path, size: int = SIZE) -> Path:
    """Makes `image` what an encrypted partition begins with."""
    uuid = b"9f0d0ee6-7a5c-4a43-9d27-5d4d3f0d2c11"
    header = b"LUKS\xba\xbe" + struct.pack(">H", 1)
    image.write_bytes(header.ljust(168, b"\0") + uuid)
    with image.open("r+b") as file:
        file.truncate(size)
    return image


def _ext4(image: Path, files: Mapping[str, bytes], label: str) -> None:
    tree = image.with_suffix(".tree")
    tree.mkdir()
    _write(tree, files)
    run("mkfs.ext4", "-q", "-F", "-L", label, "-d", tree, image)
    shutil.rmtree(tree)


def _vfat(image: Path, files: Mapping[str, bytes], label: str) -> None:
    tree = image.with_suffix(".tree")
    tree.mkdir()
    _write(tree, files)
    run("mkfs.vfat", "-n", label, image)
    for entry in tree.iterdir():
        run("mcopy", "-s", "-i", image, entry, "::")
    shutil.rmtree(tree)


def _exfat(image: Path, files: Mapping[str, bytes], label: str) -> None:
    run("mkfs.exfat", "-L", label, image)
    with _mounted(image, "exfat") as place:
        _write(place, files)


def _ntfs(image: Path, files: Mapping[str, bytes], label: str) -> None:
    run("mkfs.ntfs", "-q", "-F", "-f", "-L", label, image)
    with _mounted(image, "ntfs") as place:
        _write(place, files)


@contextmanager
def _mounted(image: Path, kind: str) -> Iterator[Path]:
    place, device = image.with_suffix(".place"), run("losetup", "--find", "--show", image)
    place.mkdir()
    try:
        run(DRIVERS[kind], device, place)
        try:
            yield place
        finally:
            run("umount", place)
    finally:
        run("losetup", "--detach", device)
        place.rmdir()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


_FILL: dict[str, Fill] = {"ext4": _ext4, "vfat": _vfat, "exfat": _exfat, "ntfs": _ntfs}
