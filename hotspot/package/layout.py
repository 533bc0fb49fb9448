"""The 72-byte header of a `.bible` file, and where the sections after it lie."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from hotspot.errors import PackageRefused

MAGIC = b"BIBLE001"
FORMAT_VERSION = 1

_FIELDS = struct.Struct("<8sIIIQQ32s4s")
HEADER_SIZE = _FIELDS.size


class PackageType(IntEnum):
    """What a package holds; the parts of a series have types of their own."""

    AUDIO = 1
    TEXT = 2
    COMBINED = 3
    AUDIO_PART = 4
    TEXT_PART = 5
    COMBINED_PART = 6

    @property
    def kind(self) -> str:
        """'audio', 'text' or 'combined', as the catalogue names it."""
        return ("audio", "text", "combined")[(self - 1) % 3]

    @property
    def has_audio(self) -> bool:
        return self.kind != "text"

    @property
    def has_text(self) -> bool:
        return self.kind != "audio"

    @property
    def in_series(self) -> bool:
        return self >= PackageType.AUDIO_PART


@dataclass(frozen=True, slots=True)
class Header:
    """Sizes of the sections in bytes; `sha256` (32 bytes) is of all that follows the header."""

    package_type: PackageType
    manifest_size: int
    database_size: int
    audio_size: int
    sha256: bytes

    @property
    def database_offset(self) -> int:
        return HEADER_SIZE + self.manifest_size

    @property
    def audio_offset(self) -> int:
        return self.database_offset + self.database_size

    @property
    def size(self) -> int:
        """The size of the whole file."""
        return self.audio_offset + self.audio_size


def pack(header: Header) -> bytes:
    """The header's HEADER_SIZE bytes."""
    return _FIELDS.pack(
        MAGIC,
        FORMAT_VERSION,
        header.package_type,
        header.manifest_size,
        header.database_size,
        header.audio_size,
        header.sha256,
        bytes(4),
    )


def unpack(raw: bytes) -> Header:
    """The header in the first HEADER_SIZE bytes of a file.

    Raises PackageRefused for what is not a package, cut off, or of a format not known here.
    """
    if raw[: len(MAGIC)] != MAGIC:
        raise PackageRefused("This is not a .bible package.")
    if len(raw) < HEADER_SIZE:
        raise PackageRefused("The package is cut off: copy it to the stick again.")
    _, version, package_type, manifest, database, audio, sha256, reserved = _FIELDS.unpack(
        raw[:HEADER_SIZE]
    )
    if version != FORMAT_VERSION:
        raise PackageRefused(
            f"The package has format {version}, and only format {FORMAT_VERSION} can be read: "
            "update the hotspot's software."
        )
    if package_type not in frozenset(PackageType):
        raise PackageRefused(f"The package is of a type ({package_type}) that is not known here.")
    if any(reserved):
        raise PackageRefused("The package's header is damaged: copy it to the stick again.")
    return Header(PackageType(package_type), manifest, database, audio, sha256)
