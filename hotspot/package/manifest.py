"""The manifest: what a package says about itself, checked as far as it can be on its own."""

from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from hotspot.errors import PackageRefused
from hotspot.model import instants, plan
from hotspot.package.layout import PackageType

SIZE_LIMIT = 16_000_000
"""Bytes that a manifest may have: an index of some 40,000 audio files."""

MOST_PARTS = 1000
"""Parts that a series may have: a book of a Bible is never divided further than by chapters."""

Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")]
Uuid = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
FileName = Annotated[str, Meta(pattern=r"^(?!\.{1,2}\Z)[^/\\\x00-\x1f\x7f]{1,255}\Z")]
Name = Annotated[str, Meta(max_length=500)]
Whole = Annotated[int, Meta(ge=0, lt=2**53)]
Amount = Annotated[float, Meta(ge=0, lt=1e15)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Named in camelCase in the file; fields that are not known are left out."""


class AudioFile(_Part, frozen=True, kw_only=True):
    """One audio file: `size` bytes at `offset` of the audio section; `duration` in seconds."""

    file_name: FileName
    media_file_id: Uuid
    offset: Whole
    size: Whole
    sha256: Sha256
    start_verse_id: Identifier
    end_verse_id: Identifier
    chapter_id: Identifier | None = None
    book_id: Identifier | None = None
    duration: Amount
    format: Identifier
    bitrate: Amount | None = None
    sample_rate: Amount | None = None
    has_verse_timings: bool
    verse_count: Whole


class BibleStructure(_Part, frozen=True, kw_only=True):
    """How much of the Bible there is. `testament`: 'old', 'new' or 'both'."""

    total_books: Whole
    total_chapters: Whole
    total_verses: Whole
    testament: Identifier | None = None


class ContentRange(_Part, frozen=True, kw_only=True):
    """The books that one part of a series has."""

    start_book: Identifier
    end_book: Identifier
    description: Name


class SeriesInfo(_Part, frozen=True, kw_only=True):
    """Which part of a series a package is. `is_complete`: of use without the other parts."""

    series_id: Identifier
    series_name: Name
    part_number: Whole
    total_parts: Whole
    chunking_strategy: Identifier
    dependencies: list[Identifier] = []
    is_complete: bool
    estimated_series_size_mb: Amount = msgspec.field(name="estimatedSeriesSizeMB")
    content_range: ContentRange


class Manifest(_Part, frozen=True, kw_only=True):
    """A package's manifest.

    `package_type`: the header's number; 'audio', 'text' or 'combined' is accepted too.
    `audio_data_hash` is of the audio section, `total_content_hash` of database and audio together.
    """

    package_id: Identifier
    package_version: str
    package_type: int | str
    created_at: str
    created_by: Name | None = None
    language_entity_id: Uuid
    bible_version_id: Identifier
    audio_version_id: Uuid | None = None
    text_version_id: Uuid | None = None
    estimated_size_mb: Amount = msgspec.field(name="estimatedSizeMB")
    total_files: Whole
    audio_format: Identifier | None = None
    includes_verse_timings: bool
    includes_total_verses: Whole
    includes_books: list[Identifier]
    min_app_version: Name
    conflicts_with: list[Identifier]
    supersedes: Identifier | None = None
    audio_file_index: list[AudioFile] = []
    database_hash: Sha256
    audio_data_hash: Sha256 | None = None
    total_content_hash: Sha256
    bible_structure: BibleStructure
    series_info: SeriesInfo | None = None
    sync_token: Name | None = None


_DECODER = msgspec.json.Decoder(Manifest)


def parse_manifest(raw: bytes) -> Manifest:
    """The manifest in `raw`, with `created_at` in canonical form.

    Raises PackageRefused for what is too large, too deep, not JSON, or lacks or misuses a field.
    """
    if len(raw) > SIZE_LIMIT:
        raise PackageRefused("The package's manifest is too large to be one.")
    try:
        manifest = _DECODER.decode(raw)
        plan.version_of(manifest.package_version)
        return replace(manifest, created_at=instants.parse(manifest.created_at))
    except RecursionError:
        raise PackageRefused("The package's manifest cannot be read: it nests too deep.") from None
    except ValueError as error:
        fault = str(error).rstrip(".")
        raise PackageRefused(f"The package's manifest cannot be read: {fault}.") from None


def check_type(manifest: Manifest, package_type: PackageType) -> None:
    """Raises PackageRefused unless the manifest describes a package of the header's type."""
    if manifest.package_type not in (package_type.value, package_type.kind):
        raise PackageRefused("The package's header and manifest name different types.")
    if package_type.in_series != (manifest.series_info is not None):
        raise PackageRefused("The package's header and manifest disagree on whether it is a part.")
    for present, wanted, what in (
        (manifest.text_version_id is not None, package_type.has_text, "text version"),
        (manifest.audio_version_id is not None, package_type.has_audio, "audio version"),
        (bool(manifest.audio_file_index), package_type.has_audio, "audio files"),
    ):
        if present != wanted:
            says = "names" if present else "lacks"
            kind = f"{package_type.kind} package"
            raise PackageRefused(f"The manifest of this {kind} {says} its {what}.")


def check_series(manifest: Manifest) -> None:
    """Raises PackageRefused for a part that cannot be one of its series."""
    series = manifest.series_info
    if series is None:
        return
    if not 1 <= series.part_number <= series.total_parts <= MOST_PARTS:
        raise PackageRefused(
            f"The package says that it is part {series.part_number} of {series.total_parts}."
        )
    if manifest.package_id in series.dependencies:
        raise PackageRefused("The package says that it depends on itself.")


def check_audio(manifest: Manifest, audio_size: int) -> None:
    """Raises PackageRefused unless every audio file lies in the section, apart from the others."""
    end = 0
    for file in sorted(manifest.audio_file_index, key=lambda file: file.offset):
        if file.offset < end:
            raise PackageRefused(f"The audio file {file.file_name!r} overlaps the one before it.")
        end = file.offset + file.size
        if end > audio_size:
            raise PackageRefused(f"The audio file {file.file_name!r} lies outside the package.")
    ids = {file.media_file_id for file in manifest.audio_file_index}
    if len(ids) < len(manifest.audio_file_index):
        raise PackageRefused("The manifest lists the same audio file twice.")
