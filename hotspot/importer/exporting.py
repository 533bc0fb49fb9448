"""Writing a package to a stick or a folder, so that it is sure to be there."""

import asyncio
import errno
import os
import shutil
from hashlib import sha256
from pathlib import Path

from hotspot.errors import HotspotError, NoSpace
from hotspot.model.wire import PackageInfo

CHUNK = 1024 * 1024
SIGNATURES = (".minisig", ".head.minisig")


async def export(package: Path, info: PackageInfo, folder: Path) -> list[Path]:
    """Writes the file `package` to `folder` as ID-VERSION.bible, and its signature files with it.

    What is written is read back from the medium and compared before it gets its name. Returns the
    files. Raises NoSpace, or HotspotError where the folder cannot be written or the copy differs.
    """
    try:
        return await asyncio.to_thread(_export, package, info, folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoSpace(f"There is no room for the package in {folder}.") from None
        reason = os.strerror(error.errno or 0)
        raise HotspotError(f"The package cannot be written to {folder} ({reason}).") from None


def _export(package: Path, info: PackageInfo, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{info.package_id}-{info.package_version}.bible"
    written = []
    for suffix in (*SIGNATURES, ""):
        source = package.with_name(package.name + suffix)
        if suffix and not source.exists():
            continue
        written.append(target.with_name(target.name + suffix))
        _write(source, written[-1], info.sha256 if not suffix else None)
    _sync_folder(folder)
    return sorted(written)


def _write(source: Path, target: Path, expected: str | None) -> None:
    """Copies a file durably. `expected`: the SHA-256 that it must have; None: the source's own."""
    part = target.with_name(target.name + ".part")
    try:
        with source.open("rb") as reader, part.open("wb") as writer:
            shutil.copyfileobj(reader, writer, CHUNK)
            writer.flush()
            os.fsync(writer.fileno())
        if _hash(part, from_medium=True) != (expected or _hash(source, from_medium=False)):
            raise HotspotError(
                f"The copy {target.name} is not what was written: the stick or the card is damaged."
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _hash(path: Path, *, from_medium: bool) -> str:
    """`from_medium`: what the system has in memory of the file is read anew."""
    digest = sha256()
    with path.open("rb", buffering=0) as file:
        if from_medium:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
