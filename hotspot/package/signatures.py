"""Who signed a package: the files beside it, and what they are worth to a hotspot that trusts keys.

`NAME.bible.minisig` is of the whole file, `NAME.bible.head.minisig` of its header and manifest
alone, whose hashes bind all the rest. Either is enough.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from hotspot.errors import ConfigError, PackageRefused
from hotspot.package import minisign
from hotspot.package.minisign import PublicKey, Signature
from hotspot.package.reader import PackageFile

WHOLE = ".minisig"
HEAD = ".head.minisig"
PLAIN_LIMIT = 32_000_000
"""Bytes of a file that is signed as it is: to check that, all of it has to be in memory."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys whose signatures count, by their ids; `required`: others' packages are refused."""

    keys: Mapping[bytes, PublicKey] = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signature files of one package as they came; None: there is no such file."""

    whole: bytes | None = None
    head: bytes | None = None

    def named(self) -> tuple[tuple[str, bytes | None], ...]:
        """Each by what its name adds to the package's."""
        return (WHOLE, self.whole), (HEAD, self.head)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The name of the trusted key that signed, or the fault because of which nothing counts."""

    signer: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a whole file's signatures are worth. `head`: whether its manifest surely is as signed.

    `kept`: the signatures to hand on; those that do not fit are left out.
    """

    judgement: Judgement
    head: bool
    kept: Signatures


@dataclass(frozen=True, slots=True)
class Seal:
    """A package's signatures before its content is looked at; those of the head are judged."""

    package: PackageFile
    trust: Trust
    signatures: Signatures
    head: Judgement

    @property
    def needs_prehash(self) -> bool:
        """Whether the BLAKE2b-512 of the whole file will be asked for."""
        found = _claimed(self.signatures.whole, self.trust)
        return not isinstance(found, str) and found[0].prehashed

    def settle(self, file: Path, prehash: bytes | None) -> Settled:
        """Judges the signatures of `file`, a copy of the package with this BLAKE2b-512.

        `prehash` may be None where it is not needed. Blocks. Raises PackageRefused where a
        signature by a trusted key is required, and there is none that fits.
        """
        whole = _judge(
            self.signatures.whole, self.trust, lambda: prehash or b"", lambda: _small(file)
        )
        best = self.head if self.head.signer is not None else whole
        if best.signer is None and self.trust.required:
            raise _refused(whole.fault if self.signatures.whole is not None else self.head.fault)
        kept = Signatures(
            None if whole.fault in _USELESS else self.signatures.whole,
            None if self.head.fault in _USELESS else self.signatures.head,
        )
        return Settled(best, self.head.signer is not None, kept)


_MISSING = "it is not signed"
_UNREADABLE = "its signature cannot be read"
_CHANGED = "it is not as it was signed: it was changed, or is damaged"
_USELESS = (_UNREADABLE, _CHANGED)


def examine(package: PackageFile, trust: Trust) -> Seal:
    """The signatures beside a package; blocks, and reads nothing of the package itself.

    Raises PackageRefused where a signature by a trusted key is required, and none can fit.
    """
    signatures = read_beside(package.path)
    head = _judge(
        signatures.head, trust, lambda: blake2b(package.head).digest(), lambda: package.head
    )
    claimed = _claimed(signatures.whole, trust)
    if trust.required and head.signer is None and isinstance(claimed, str):
        raise _refused(claimed if signatures.whole is not None else head.fault)
    return Seal(package, trust, signatures, head)


def _refused(fault: str | None) -> PackageRefused:
    return PackageRefused(
        f"The package is refused because {fault}. This hotspot takes only packages that are signed "
        "with a key that it trusts: bring the package together with its .minisig file."
    )


def _small(file: Path) -> bytes | None:
    return file.read_bytes() if file.stat().st_size <= PLAIN_LIMIT else None


def _judge(
    raw: bytes | None,
    trust: Trust,
    prehash: Callable[[], bytes],
    plain: Callable[[], bytes | None],
) -> Judgement:
    """Judges a signature file. `prehash` and `plain` give what is signed, hashed or as it is."""
    claimed = _claimed(raw, trust)
    if isinstance(claimed, str):
        return Judgement(fault=claimed)
    signature, key = claimed
    signed = prehash() if signature.prehashed else plain()
    if signed is None:
        return Judgement(fault="a file of its size has to be signed by minisign 0.8 or later")
    if not minisign.fits(signature, key, signed):
        return Judgement(fault=_CHANGED)
    return Judgement(signer=key.name)


def _claimed(raw: bytes | None, trust: Trust) -> tuple[Signature, PublicKey] | str:
    """A signature and the trusted key that it says it is by, or why there is none."""
    if raw is None:
        return _MISSING
    try:
        signature = minisign.parse_signature(raw)
    except ValueError:
        return _UNREADABLE
    key = trust.keys.get(signature.key_id)
    if key is None:
        name = minisign.name_of(signature.key_id)
        return f"it is signed with the key {name}, which this hotspot does not trust"
    return signature, key


def read_beside(package: Path) -> Signatures:
    """The signature files beside a package; what is no plain small file there counts as none."""
    return Signatures(_read(_beside(package, WHOLE)), _read(_beside(package, HEAD)))


def write_beside(package: Path, signatures: Signatures) -> None:
    """Writes the signature files of `package`, durably once its folder is; removes others."""
    for suffix, content in signatures.named():
        path = _beside(package, suffix)
        if content is None:
            path.unlink(missing_ok=True)
            continue
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def remove_beside(package: Path) -> None:
    """Removes the signature files of a package that is removed."""
    write_beside(package, Signatures())


def _beside(package: Path, suffix: str) -> Path:
    return package.with_name(package.name + suffix)


def _read(path: Path) -> bytes | None:
    """A stick's owner chooses what lies here: links are not followed, and pipes not waited for."""
    try:
        with open(path, "rb", buffering=0, opener=_carefully) as file:
            raw = file.read(minisign.SIZE_LIMIT + 1)
    except OSError:
        return None
    return raw if raw is not None and len(raw) <= minisign.SIZE_LIMIT else None


def _carefully(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def load_trust(path: Path | None, required: bool) -> Trust:
    """The keys in the file `path`, or in the files `*.pub` of the folder `path`.

    Raises ConfigError where they cannot be read, or a signature is required and there is no key.
    """
    keys: list[PublicKey] = []
    problems = []
    if path is not None:
        for file in sorted(path.glob("*.pub")) if path.is_dir() else [path]:
            try:
                keys += minisign.parse_public_keys(file.read_text(encoding="utf-8"))
            except OSError as error:
                problems.append(f"The trusted keys in {file} cannot be read: {error.strerror}.")
            except ValueError as error:
                problems.append(f"The trusted keys in {file} cannot be used: {error}.")
    if required and not keys and not problems:
        problems.append("'require_signature' needs 'trusted_keys' with at least one key.")
    if problems:
        raise ConfigError(problems)
    return Trust({key.id: key for key in keys}, required)
