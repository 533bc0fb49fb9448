"""Opening a package: its header and manifest, and whether they fit the file."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from hotspot.errors import PackageRefused
from hotspot.model.catalogue import StoredAudio
from hotspot.package import layout
from hotspot.package.layout import HEADER_SIZE, Header
from hotspot.package.manifest import (
    SIZE_LIMIT,
    AudioFile,
    Manifest,
    check_audio,
    check_series,
    check_type,
    parse_manifest,
)
from hotspot.package.spans import Span


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A package whose header and manifest hold together; its content is not looked at yet.

    `manifest_bytes` is the manifest's JSON as it came.
    """

    path: Path
    header: Header
    manifest: Manifest
    manifest_bytes: bytes

    @property
    def database_offset(self) -> int:
        return self.header.database_offset

    @property
    def database_size(self) -> int:
        return self.header.database_size

    @property
    def audio_offset(self) -> int:
        return self.header.audio_offset

    @property
    def audio_size(self) -> int:
        return self.header.audio_size

    @property
    def size(self) -> int:
        """The size of the whole file."""
        return self.header.size

    @property
    def head(self) -> bytes:
        """Header and manifest as they stand in the file: what a signature of the head is over."""
        return layout.pack(self.header) + self.manifest_bytes

    @property
    def audio_by_place(self) -> list[AudioFile]:
        """The audio files in the order in which they lie."""
        return sorted(self.manifest.audio_file_index, key=lambda one: one.offset)

    @property
    def audio_spans(self) -> list[Span]:
        """Where those lie in the file."""
        return [(self.audio_offset + one.offset, one.size) for one in self.audio_by_place]

    def stored_audio(self, file_name: str) -> list[StoredAudio]:
        """Where each audio file lies, once this package is stored as `file_name`."""
        return [
            StoredAudio(
                media_file_id=one.media_file_id,
                file_name=file_name,
                offset=self.audio_offset + one.offset,
                size=one.size,
                sha256=one.sha256,
                audio_format=one.format,
                original_name=one.file_name,
            )
            for one in self.manifest.audio_file_index
        ]


def open_package(path: Path) -> PackageFile:
    """Reads a package's header and manifest. Blocks for as long as the drive takes.

    Raises PackageRefused for what is no package, cut off, too new, or contradicts itself, and
    OSError where the file cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise PackageRefused("This is not a file.")
    with path.open("rb") as file:
        header = layout.unpack(file.read(HEADER_SIZE))
        _check_sizes(header, os.fstat(file.fileno()).st_size)
        raw = file.read(header.manifest_size)
    manifest = parse_manifest(raw)
    check_type(manifest, header.package_type)
    check_series(manifest)
    check_audio(manifest, header.audio_size)
    return PackageFile(path, header, manifest, raw)


def _check_sizes(header: Header, size: int) -> None:
    if header.manifest_size > SIZE_LIMIT:
        raise PackageRefused("The package's manifest is too large to be one.")
    if header.size > size:
        raise PackageRefused(
            f"The package is cut off: {header.size - size} of its {header.size} bytes are missing. "
            "Copy it to the stick again."
        )
    if header.size < size:
        raise PackageRefused(
            f"The package has {size - header.size} bytes more than its header says: "
            "copy it to the stick again."
        )
    if not header.database_size:
        raise PackageRefused("The package has no database.")
    if header.audio_size and not header.package_type.has_audio:
        raise PackageRefused("The package says that it has text only, but holds audio.")
