"""Whether a copied package may be published: who signed it, and what of it is damaged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotspot.errors import PackageRefused
from hotspot.package.copying import Copied
from hotspot.package.reader import PackageFile, open_package
from hotspot.package.signatures import Seal, Signatures
from hotspot.package.verify import verify


@dataclass(frozen=True, slots=True)
class Admission:
    """A copied package that may be published.

    `complete`: every byte is as its header and its manifest say. `damaged`: the media files whose
    audio is not as the manifest says. `signer`: the trusted key that signed it, or None; `fault`:
    why it is None. `signatures`: to be kept beside it.
    """

    package: PackageFile
    complete: bool
    damaged: frozenset[str]
    signer: str | None
    fault: str | None
    signatures: Signatures


async def admit(seal: Seal, file: Path, copied: Copied) -> Admission:
    """Judges `file`, the copy of the package that `seal` is of, with the hashes of its audio.

    The texts of a package whose audio is damaged are admitted. Raises PackageRefused for other
    damage, a copy of something else, and where a signature is required and none fits.
    """
    package = await asyncio.to_thread(open_package, file)
    if (package.header, package.manifest_bytes) != (
        seal.package.header,
        seal.package.manifest_bytes,
    ):
        raise PackageRefused("The package was changed while it was copied: copy it anew.")
    settled = await asyncio.to_thread(seal.settle, file, copied.blake2b)
    as_built = copied.content_sha256 == package.header.sha256.hex()
    if as_built:
        damaged = _untrue(package, copied.spans)
    else:
        damaged = await _damage(file, head_signed=settled.head)
    return Admission(
        package,
        as_built and not damaged,
        damaged,
        settled.judgement.signer,
        settled.judgement.fault,
        settled.kept,
    )


def _untrue(package: PackageFile, found: Sequence[str]) -> frozenset[str]:
    """The audio of which the manifest of a package that came whole says what is not so."""
    pairs = zip(package.audio_by_place, found, strict=True)
    return frozenset(one.media_file_id for one, sha256 in pairs if one.sha256 != sha256)


async def _damage(file: Path, *, head_signed: bool) -> frozenset[str]:
    """The audio that explains why the content is not what the header says.

    Where none does, the manifest itself may be what is damaged, unless its signature fits.
    """
    report = await verify(file)
    if not report.database_sound or not (report.damaged_audio or head_signed):
        raise PackageRefused(report.sentence)
    return frozenset(audio.media_file_id for audio in report.damaged_audio)
