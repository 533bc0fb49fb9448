"""Parts that the HTTP tests stand on: stores in memory, which say so, and packages to serve."""

import random
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from hotspot.model.catalogue import CatalogueSummary, PackageQuery, StoredAudio, StoredPackage
from hotspot.model.stores import Device
from hotspot.model.wire import PackageInfo

NOW = "2026-11-22T10:15:30.123Z"
FLOOR_MS = 1_795_342_530_123


class MemoryPackages:
    """A PackageStore in memory. `read`: how often it was asked for a list; `located`: for audio."""

    def __init__(self) -> None:
        self.stored: dict[str, StoredPackage] = {}
        self.here: dict[str, StoredAudio] = {}
        self.damaged: dict[str, frozenset[str]] = {}
        self.crc32s: dict[str, int] = {}
        self.revision = 1
        self.read = 0
        self.located = 0

    @property
    def catalogue_revision(self) -> str:
        return f"epoch.{self.revision}"

    async def summary(self) -> CatalogueSummary:
        return CatalogueSummary(
            revision=self.catalogue_revision,
            packages=len(self.stored),
            incomplete=[id_ for id_, one in self.stored.items() if not one.info.complete],
            languages=[],
            series=[],
        )

    async def list_packages(self, query: PackageQuery) -> tuple[Sequence[PackageInfo], int]:
        self.read += 1
        found = [
            stored.info
            for stored in self.stored.values()
            if query.language_entity_id in (None, stored.info.language_entity_id)
            and query.package_type in (None, stored.info.package_type)
        ]
        found.sort(key=lambda info: (info.language_name, info.package_id))
        return found[query.offset : query.offset + query.limit], len(found)

    async def package(self, package_id: str) -> StoredPackage | None:
        return self.stored.get(package_id)

    async def damaged_audio(self, package_id: str) -> frozenset[str]:
        return self.damaged.get(package_id, frozenset())

    async def audio(self, media_file_id: str) -> StoredAudio | None:
        self.located += 1
        return self.here.get(media_file_id)

    async def audios(self, media_file_ids: Collection[str]) -> Mapping[str, StoredAudio]:
        return {id_: self.here[id_] for id_ in media_file_ids if id_ in self.here}

    async def checksums(self, sha256s: Collection[str]) -> Mapping[str, int]:
        return {sha: self.crc32s[sha] for sha in sha256s if sha in self.crc32s}

    async def keep_checksums(self, checksums: Mapping[str, int]) -> None:
        self.crc32s |= checksums


class MemoryDevices:
    """A DeviceStore in memory; `codes` are the hashes of the open pairing codes."""

    def __init__(self) -> None:
        self.codes: set[str] = set()
        self.devices: dict[str, Device] = {}

    async def device_by_token(self, token_hash: str) -> Device | None:
        return self.devices.get(token_hash)

    async def claim_pairing(
        self, code_hash: str, device_id: str, name: str, token_hash: str, now: str
    ) -> Device | None:
        if code_hash not in self.codes:
            return None
        self.codes.remove(code_hash)
        self.devices[token_hash] = Device(id=device_id, name=name, role="editor")
        return self.devices[token_hash]


def noise(size: int) -> bytes:
    """Bytes in which no two places look alike, the same each time."""
    return random.Random(size).randbytes(size)


def info(package_id: str, body: bytes = b"", **changes: object) -> PackageInfo:
    """A text package's entry in the catalogue."""
    like = PackageInfo(
        package_id=package_id,
        package_version="1.0.0",
        package_type="text",
        language_entity_id="11111111-1111-1111-1111-111111111111",
        language_name="Kiswahili",
        text_version_id="22222222-2222-2222-2222-222222222222",
        text_version_name="Krapf",
        size_in_bytes=len(body),
        sha256=sha256(body).hexdigest(),
        imported_at=NOW,
        complete=True,
    )
    return msgspec.structs.replace(like, **changes)


def put(
    packages: MemoryPackages,
    folder: Path,
    package_id: str,
    body: bytes,
    manifest: object = None,
    **changes: object,
) -> StoredPackage:
    """Lays `body` into `folder` as the file of a package, and lists it."""
    told = info(package_id, body, **changes)
    stored = StoredPackage(told, msgspec.json.encode(manifest or {}), f"{told.sha256}.bible")
    (folder / stored.file_name).write_bytes(body)
    packages.stored[package_id] = stored
    packages.revision += 1
    return stored


def put_audio(
    packages: MemoryPackages, stored: StoredPackage, media_file_id: str, audio: bytes, offset: int
) -> None:
    """Lists the bytes `audio`, which lie at `offset` of the stored package's file."""
    packages.here[media_file_id] = StoredAudio(
        media_file_id=media_file_id,
        file_name=stored.file_name,
        offset=offset,
        size=len(audio),
        sha256=sha256(audio).hexdigest(),
        audio_format="mp3",
        original_name=f"{media_file_id}.mp3",
    )
