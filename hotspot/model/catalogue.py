"""The packages of a node: listed, served, published; and the interface to a store of them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from hotspot.model.imports import ImportLog
from hotspot.model.plan import Held
from hotspot.model.series import Series
from hotspot.model.wire import Message, PackageInfo


class PackageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which packages to list; None: all. Ordered by language name, then package id."""

    language_entity_id: str | None = None
    package_type: str | None = None
    limit: int = 100
    offset: int = 0


class StoredPackage(msgspec.Struct, frozen=True):
    """One package: how it is listed, its manifest (JSON as it came), its file in packages/."""

    info: PackageInfo
    manifest: bytes
    file_name: str


class StoredAudio(msgspec.Struct, frozen=True, kw_only=True):
    """One audio file inside a stored package: `size` bytes at `offset` of `file_name`."""

    media_file_id: str
    file_name: str
    offset: int
    size: int
    sha256: str
    audio_format: str
    original_name: str


class LanguageInfo(Message, frozen=True, kw_only=True):
    """A language that packages here are in, by its own name; `packages`: how many they are."""

    language_entity_id: str
    name: str
    packages: int


class CatalogueSummary(Message, frozen=True, kw_only=True, omit_defaults=False):
    """What there is to choose from. Whatever the catalogue says, it says while `revision` lasts.

    `packages`: how many there are; `incomplete`: the ids of those that are damaged.
    """

    revision: str
    packages: int
    incomplete: list[str]
    languages: list[LanguageInfo]
    series: list[Series]


class AudioSource(Protocol):
    """The audio files that can be had here."""

    async def audio(self, media_file_id: str) -> StoredAudio | None:
        """Where one chapter's audio lies."""


class PackageStore(AudioSource, Protocol):
    """The packages that can be downloaded here."""

    @property
    def catalogue_revision(self) -> str:
        """Names the catalogue as it is, and where the audio lies that is here.

        No other state of them, here or elsewhere, has the name.
        """

    async def summary(self) -> CatalogueSummary:
        """What there is to choose from."""

    async def list_packages(self, query: PackageQuery) -> tuple[Sequence[PackageInfo], int]:
        """One page of the catalogue, and how many packages match in all."""

    async def package(self, package_id: str) -> StoredPackage | None:
        """The current version of one package."""

    async def damaged_audio(self, package_id: str) -> frozenset[str]:
        """The media files whose audio in the package's file is damaged."""

    async def audios(self, media_file_ids: Collection[str]) -> Mapping[str, StoredAudio]:
        """Where several chapters' audio lies, by their ids; without those that are not here."""

    async def checksums(self, sha256s: Collection[str]) -> Mapping[str, int]:
        """The CRC-32 of audio files, by their SHA-256; without those that nobody kept."""

    async def keep_checksums(self, checksums: Mapping[str, int]) -> None:
        """Keeps the CRC-32 of audio files, by their SHA-256, for as long as they are here."""


class NewPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A verified package whose file lies in packages/ already, about to be published.

    `manifest`: its JSON as it came. `audio`: the audio files inside it; those of the media files
    `damaged` are not as they should be. `source`: 'download', 'import' or 'share'.
    `info.signed_by`: the trusted key that signed it; its rows may go up without being approved.
    """

    info: PackageInfo
    manifest: bytes
    file_name: str
    audio: Sequence[StoredAudio]
    source: str
    damaged: frozenset[str] = frozenset()


class PublishCounts(msgspec.Struct, frozen=True):
    """What publishing a package did: rows in it by table, and how many of them were written."""

    rows: dict[str, int]
    written: dict[str, int]


class PublishingStore(PackageStore, ImportLog, Protocol):
    """Where packages are published."""

    async def publish(self, new: NewPackage, staging: Path, now: str) -> PublishCounts:
        """Merges the staging database at the path `staging`, and makes the package visible.

        All of it happens in one transaction.
        """

    async def remove_package(self, package_id: str) -> bool:
        """Forgets a package, and the records that no other package here holds.

        False: there is no such package.
        """

    async def held_packages(self) -> Sequence[Held]:
        """All packages here, as import plans look at them."""

    async def file_names(self) -> set[str]:
        """The files in packages/ that are in use."""

    async def discarded_files(self) -> set[str]:
        """Files in packages/ that are to be deleted."""

    async def files_deleted(self, names: Collection[str]) -> None:
        """Forgets files that were to be deleted, and are."""


class WantedAudio(msgspec.Struct, frozen=True):
    """Audio whose record names another recording than the one that is here.

    `failures`: how often fetching it failed in a row; `reason`: why it failed last.
    """

    media_file_id: str
    failures: int
    reason: str | None
    audio_format: str
    original_name: str


class AudioStore(Protocol):
    """What audio has to come from upstream. Until it has, the old audio is served."""

    async def wanted_audio(self) -> Sequence[WantedAudio]:
        """All that is wanted; what failed least often first."""

    async def audio_fetched(self, audio: StoredAudio, now: str) -> None:
        """Serves this audio from now on: its file is verified, and durable in packages/."""

    async def audio_failed(self, media_file_id: str, reason: str) -> None:
        """Keeps why it could not be fetched; it stays wanted."""
