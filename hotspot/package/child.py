"""The limited process that reads what a stranger's package holds.

`python -m hotspot.package.child PACKAGE SCRATCH STAGING REQUEST`: copies the package's database
section to the new file SCRATCH, and what it holds to the new database STAGING; REQUEST is JSON.
Writes an Outcome as JSON to standard output. Ends with a status other than 0 only when it was
stopped by its limits, or crashed.
"""

import resource
import sys
from hashlib import sha256
from pathlib import Path

import msgspec

from hotspot.errors import NoSpace, PackageRefused
from hotspot.model.tables import BY_NAME
from hotspot.package import database
from hotspot.package.fullness import full_card_said
from hotspot.package.reader import PackageFile, open_package
from hotspot.package.rows import bounds_of

CHUNK = 1 << 20
_SCRATCH_MINIMUM = 64 << 20
_SCRATCH_FACTOR = 4


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a package may take. `seconds` is by the wall, `cpu_seconds` of computing.

    `file_bytes`: the most that the database section or staging may be, whatever the package says.
    """

    memory_bytes: int = 256 << 20
    file_bytes: int = 1 << 30
    cpu_seconds: int = 300
    seconds: float = 600
    open_files: int = 32


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """How to read. `latest`: the time now, where it is known; nothing in the package is later."""

    limits: Limits
    latest: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: rows by table; or a sentence, why it was refused or lacked room."""

    rows: dict[str, int] = {}
    refused: str | None = None
    no_space: str | None = None


def main(arguments: list[str]) -> None:
    """Stages one package within limits."""
    package, scratch, staging = (Path(argument) for argument in arguments[:3])
    request = msgspec.json.decode(arguments[3], type=Request)
    _limit(request.limits)
    try:
        found = open_package(package)
        _limit_files(found, request.limits)
        with full_card_said():
            outcome = Outcome(rows=_stage(found, scratch, staging, request.latest))
    except PackageRefused as refusal:
        outcome = Outcome(refused=str(refusal))
    except NoSpace as error:
        outcome = Outcome(no_space=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def _limit(limits: Limits) -> None:
    for what, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


def _limit_files(package: PackageFile, limits: Limits) -> None:
    """Rows take more room in staging than in the package, but never many times as much."""
    fair = max(_SCRATCH_MINIMUM, _SCRATCH_FACTOR * package.database_size)
    most = min(fair, limits.file_bytes)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _stage(
    package: PackageFile, scratch: Path, staging: Path, latest: str | None
) -> dict[str, int]:
    manifest = package.manifest
    if _copy_database(package, scratch) != manifest.database_hash:
        raise PackageRefused("The package's database is damaged: copy it to the stick again.")
    rows = database.stage(scratch, staging, bounds_of(manifest, latest))
    for table, version in (
        ("text_versions", manifest.text_version_id),
        ("audio_versions", manifest.audio_version_id),
    ):
        if version is not None and rows[table] != 1:
            raise PackageRefused(f"The package lacks the row of its own version in {table}.")
    return {name: count for name, count in rows.items() if count or name in BY_NAME}


def _copy_database(package: PackageFile, target: Path) -> str:
    """Copies the database section into `target`; its SHA-256."""
    digest = sha256()
    left = package.database_size
    with package.path.open("rb") as source, target.open("xb") as copy:
        source.seek(package.database_offset)
        while left and (chunk := source.read(min(CHUNK, left))):
            digest.update(chunk)
            copy.write(chunk)
            left -= len(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])
