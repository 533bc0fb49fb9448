"""A package taken apart, so that one part can be changed and the rest be made to fit."""

import json
import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

HEADER = struct.Struct("<8sIIIQQ32s4s")


@dataclass
class Parts:
    """The sections; `header` as it is written: magic, version, type, three sizes, hash, rest."""

    header: list[Any]
    manifest: bytes
    database: bytes
    audio: bytes
    tail: bytes = b""
    cut: int = 0

    @classmethod
    def of(cls, raw: bytes) -> "Parts":
        header = list(HEADER.unpack_from(raw))
        database = HEADER.size + header[3]
        audio = database + header[4]
        return cls(header, raw[HEADER.size : database], raw[database:audio], raw[audio:])

    def fit_sizes(self) -> None:
        self.header[3:6] = [len(self.manifest), len(self.database), len(self.audio)]

    def fit_hashes(self, *, outside_only: bool = False) -> None:
        """Makes the hashes fit: the header's alone, or those that the manifest names too."""
        if not outside_only:
            self._fit_inside()
        self.header[3] = len(self.manifest)
        content = self.manifest + self.database + self.audio
        self.header[6] = sha256(content).digest()

    def _fit_inside(self) -> None:
        try:
            manifest = json.loads(self.manifest)
            self._fit_manifest(manifest)
            self.manifest = json.dumps(manifest, separators=(",", ":")).encode()
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            pass

    def _fit_manifest(self, manifest: dict[str, Any]) -> None:
        manifest["databaseHash"] = sha256(self.database).hexdigest()
        manifest["totalContentHash"] = sha256(self.database + self.audio).hexdigest()
        if "audioDataHash" in manifest:
            manifest["audioDataHash"] = sha256(self.audio).hexdigest()
        for entry in manifest.get("audioFileIndex", []):
            sound = self.audio[entry["offset"] : entry["offset"] + entry["size"]]
            entry["sha256"] = sha256(sound).hexdigest()

    def raw(self) -> bytes:
        whole = HEADER.pack(*self.header) + self.manifest + self.database + self.audio + self.tail
        return whole[: len(whole) - self.cut]
