"""Is a package what it says it is? Staging for an import, and a report for a person."""

import asyncio
import logging
import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from hotspot.errors import NoSpace, PackageRefused
from hotspot.package.child import Limits, Outcome, Request
from hotspot.package.manifest import AudioFile, Manifest
from hotspot.package.reader import PackageFile, open_package

logger = logging.getLogger(__name__)

_UNSAFE = "The package could not be read safely: it may be damaged, or made to do harm."
_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Staged:
    """A package's rows in a staging database at `staging`; `rows` counts them by table.

    The database's tables and columns are those that `hotspot.package.database` describes.
    """

    manifest: Manifest
    rows: dict[str, int]
    staging: Path


class DamagedAudio(msgspec.Struct, frozen=True, rename="camel"):
    """An audio file whose bytes are not those that the manifest names."""

    media_file_id: str
    file_name: str


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What of a package is sound. `problems`: one sentence for each thing that is not.

    `content_sound`: whether all that follows the header is as it was when the package was built.
    """

    package_id: str
    package_version: str
    sound: bool
    content_sound: bool
    database_sound: bool
    damaged_audio: list[DamagedAudio]
    problems: list[str]

    @property
    def sentence(self) -> str:
        """All of it in words for a person."""
        if self.sound:
            return "The package is sound."
        return " ".join((*self.problems, "Copy the package to the stick again."))


async def stage(
    path: Path, staging: Path, *, limits: Limits | None = None, latest: str | None = None
) -> Staged:
    """Reads a package's database in a process of its own, and writes its rows to `staging`.

    What an interrupted run left at `staging` is replaced; for the time being a second file lies
    beside it. `latest`: the time now, where it is known: stamps in the package later than this or
    the manifest's createdAt are clamped. Raises PackageRefused and NoSpace; then `staging` is not
    there either.
    """
    package = await asyncio.to_thread(open_package, path)
    scratch = staging.with_name(staging.name + ".source")
    request = Request(limits=limits or Limits(), latest=latest)
    arguments = (str(path), str(scratch), str(staging), msgspec.json.encode(request).decode())
    await _discard(scratch, staging)
    done = False
    try:
        outcome = await _run_child(arguments, request.limits.seconds)
        if outcome.refused is not None:
            raise PackageRefused(outcome.refused)
        if outcome.no_space is not None:
            raise NoSpace(outcome.no_space)
        done = True
    finally:
        await _discard(scratch, *([] if done else [staging]))
    return Staged(package.manifest, outcome.rows, staging)


async def _discard(*paths: Path) -> None:
    for path in paths:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _run_child(arguments: tuple[str, ...], seconds: float) -> Outcome:
    """Whatever happens here, the process is gone when this returns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "hotspot.package.child",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("HOTSPOT_")},
    )
    try:
        async with asyncio.timeout(seconds):
            output, complaint = await process.communicate()
    except TimeoutError:
        raise PackageRefused(f"{_UNSAFE} It took longer than {seconds:g} seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        logger.warning("reading a package ended with status %s: %s", process.returncode, last)
        raise PackageRefused(_UNSAFE)
    return msgspec.json.decode(output, type=Outcome)


async def verify(path: Path) -> Report:
    """Hashes a whole package once, and says which of its parts are damaged.

    Raises PackageRefused where header and manifest cannot be read at all, or the file shrinks.
    """
    package = await asyncio.to_thread(open_package, path)
    inspection = _Inspection(package)
    steps = inspection.steps()
    while await asyncio.to_thread(next, steps, False):
        pass
    return inspection.report()


def sound_audio(package: PackageFile, media_file_ids: Collection[str]) -> frozenset[str]:
    """Which of these audio files are as the manifest says; reads those alone. Blocks.

    Raises OSError where the file cannot be read.
    """
    sound = set()
    with package.path.open("rb") as file:
        for entry in package.manifest.audio_file_index:
            if entry.media_file_id in media_file_ids:
                file.seek(package.audio_offset + entry.offset)
                if _sha256(file, entry.size) == entry.sha256:
                    sound.add(entry.media_file_id)
    return frozenset(sound)


def _sha256(file: BinaryIO, size: int) -> str:
    digest = sha256()
    while size and (chunk := file.read(min(_CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class _Inspection:
    """Every hash that a package names, computed in one pass over the file."""

    def __init__(self, package: PackageFile) -> None:
        self._package = package
        self._content = sha256(package.manifest_bytes)
        self._total = sha256()
        self._database = sha256()
        self._audio = sha256()
        self._damaged: list[AudioFile] = []

    def steps(self) -> Iterator[bool]:
        """Hashes a few MB at each step."""
        package = self._package
        with package.path.open("rb") as file:
            file.seek(package.database_offset)
            yield from self._feed(file, package.database_size, self._database)
            position = 0
            index = package.manifest.audio_file_index
            for entry in sorted(index, key=lambda entry: entry.offset):
                yield from self._feed(file, entry.offset - position, self._audio)
                own = sha256()
                yield from self._feed(file, entry.size, self._audio, own)
                if own.hexdigest() != entry.sha256:
                    self._damaged.append(entry)
                position = entry.offset + entry.size
            yield from self._feed(file, package.audio_size - position, self._audio)

    def _feed(self, file: BinaryIO, size: int, *digests: _Digest) -> Iterator[bool]:
        while size:
            chunk = file.read(min(_CHUNK, size))
            if not chunk:
                raise PackageRefused("The package was cut off while it was read.")
            for digest in (self._content, self._total, *digests):
                digest.update(chunk)
            size -= len(chunk)
            yield True

    def report(self) -> Report:
        """What was found, once all steps are done."""
        manifest = self._package.manifest
        content_sound = self._content.digest() == self._package.header.sha256
        database_sound = self._database.hexdigest() == manifest.database_hash
        problems = [
            f"The audio file {entry.file_name!r} is damaged."
            for entry in sorted(self._damaged, key=lambda entry: entry.offset)
        ]
        if not database_sound:
            problems.insert(0, "The database is damaged.")
        problems += self._other_problems(content_sound, bool(problems))
        return Report(
            package_id=manifest.package_id,
            package_version=manifest.package_version,
            sound=not problems,
            content_sound=content_sound,
            database_sound=database_sound,
            damaged_audio=[
                DamagedAudio(entry.media_file_id, entry.file_name) for entry in self._damaged
            ],
            problems=problems,
        )

    def _other_problems(self, content_sound: bool, explained: bool) -> Iterator[str]:
        """What is wrong although database and audio files are sound (`explained`: they are not)."""
        manifest = self._package.manifest
        if explained:
            return
        if manifest.audio_data_hash not in (None, self._audio.hexdigest()):
            yield "The audio section is not the one that the manifest names."
        elif manifest.total_content_hash != self._total.hexdigest():
            yield "Database and audio together are not what the manifest names."
        if not content_sound:
            yield "The manifest is damaged, or the space between audio files."
