"""Signing a package, so that the ordinary `minisign` tool can verify it too."""

import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from hotspot.errors import BadRequest
from hotspot.package import minisign
from hotspot.package.minisign import SecretKey
from hotspot.package.reader import open_package
from hotspot.package.signatures import HEAD, WHOLE, Signatures, write_beside

_CHUNK = 1 << 20


def load_secret_key(path: Path, password: Callable[[], str]) -> SecretKey:
    """The secret key in the file `path`; `password` is asked for if it is encrypted.

    Raises BadRequest, and OSError where the file cannot be read.
    """
    with path.open("rb") as file:
        raw = file.read(minisign.SIZE_LIMIT)
    try:
        return minisign.parse_secret_key(raw.decode(), password)
    except UnicodeDecodeError:
        raise BadRequest("The key is not the secret key of a minisign pair.") from None


def prehash(path: Path) -> bytes:
    """The BLAKE2b-512 of a file, which is what gets signed. Blocks."""
    digest = blake2b()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def sign_package(path: Path, key: SecretKey) -> tuple[Path, ...]:
    """Signs a package as a whole, and its head; returns the signature files, beside it.

    Blocks. Raises PackageRefused for what is no package.
    """
    package = open_package(path)

    def signature(digest: bytes, name: str) -> bytes:
        printable = "".join(char if char.isprintable() else "?" for char in name)
        comment = f"timestamp:{int(time.time())}\tfile:{printable}\thashed"
        return minisign.sign(key, digest, comment)

    made = Signatures(
        signature(prehash(path), path.name),
        signature(blake2b(package.head).digest(), f"{path.name}.head"),
    )
    write_beside(path, made)
    return tuple(path.with_name(path.name + suffix) for suffix in (WHOLE, HEAD))
