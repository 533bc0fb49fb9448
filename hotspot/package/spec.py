"""What a package is built from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hotspot.package.layout import PackageType
from hotspot.package.manifest import SeriesInfo


class Language(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The language that text and speech are in. `id` is a UUID."""

    id: str
    name: str
    iso_639_1: str | None = None
    iso_639_3: str | None = None


class BibleVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The versification that chapters and verses are counted by."""

    id: str
    name: str
    structure_notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text version: verse ids with their texts, read once. `id` is a UUID."""

    id: str
    name: str
    source: str | None = None
    verses: Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where in its file a verse is spoken, in seconds."""

    verse_id: str
    start_time_seconds: float
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One audio file. `bitrate` in bits and `sample_rate` in samples a second."""

    path: Path
    chapter_id: str
    start_verse_id: str
    end_verse_id: str
    duration_seconds: float
    verses: Sequence[Timing] = ()
    bitrate: float | None = None
    sample_rate: float | None = None

    @property
    def format(self) -> str:
        """'mp3', 'm4a': what the file's name ends with."""
        return self.path.suffix.removeprefix(".").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """One audio version. `id` is a UUID."""

    id: str
    name: str
    chapters: Sequence[Chapter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Everything that goes into one package.

    `created_at` becomes the manifest's; `updated_at` the stamp of every row (None: the same).
    `series`: which part of a series it is, if it is one.
    """

    package_id: str
    package_version: str
    created_at: str
    updated_at: str | None = None
    created_by: str | None = None
    language: Language
    bible_version: BibleVersion
    text: Text | None = None
    audio: Audio | None = None
    min_app_version: str = "1.0.0"
    conflicts_with: Sequence[str] = ()
    supersedes: str | None = None
    series: SeriesInfo | None = None

    @property
    def package_type(self) -> PackageType:
        parted = self.series is not None
        if self.audio is None:
            return PackageType.TEXT_PART if parted else PackageType.TEXT
        if self.text is None:
            return PackageType.AUDIO_PART if parted else PackageType.AUDIO
        return PackageType.COMBINED_PART if parted else PackageType.COMBINED
