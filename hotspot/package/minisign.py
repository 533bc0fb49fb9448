"""Minisign's keys and signatures, in the files that the ordinary `minisign` tool reads and writes.

A signature is Ed25519, over the BLAKE2b-512 of what is signed ('ED'), or over it as it is ('Ed', as
older tools sign). A second one holds the trusted comment to the first.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from hotspot.errors import BadRequest

SIZE_LIMIT = 16_384
"""Bytes that a file of a key or a signature may have."""

_COMMENT = "untrusted comment: "
_TRUSTED = b"trusted comment: "
_PLAIN, _PREHASHED = b"Ed", b"ED"
_SCRYPT, _CHECKSUM = b"Sc", b"B2"
_ID = 8
_SIGNATURE = 64


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whose signatures can be checked: `id` (8 bytes) names the pair, `key` is Ed25519's."""

    id: bytes
    key: bytes

    @property
    def name(self) -> str:
        """The id as minisign prints it."""
        return name_of(self.id)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature by the pair `key_id`; `prehashed`: over the BLAKE2b-512 of what is signed."""

    key_id: bytes
    prehashed: bool
    signature: bytes
    trusted_comment: bytes
    comment_signature: bytes


@dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """What signs: the pair's id, and Ed25519's secret key with the public one behind it."""

    id: bytes
    key: bytes

    @property
    def name(self) -> str:
        """The id as minisign prints it."""
        return name_of(self.id)


def name_of(key_id: bytes) -> str:
    """A key's id as minisign prints it."""
    return key_id[::-1].hex().upper()


def parse_public_keys(text: str) -> list[PublicKey]:
    """The keys in one public-key file, or several one after the other. Raises ValueError."""
    lines = (line.strip() for line in text.splitlines())
    return [_public_key(line) for line in lines if line and not line.startswith((_COMMENT, "#"))]


def _public_key(line: str) -> PublicKey:
    raw = _decoded(line.encode())
    if len(raw) != 2 + _ID + 32 or raw[:2] != _PLAIN:
        raise ValueError(f"{line[:60]!r} is not the public key of a minisign pair")
    return PublicKey(raw[2 : 2 + _ID], raw[2 + _ID :])


def parse_signature(raw: bytes) -> Signature:
    """The signature in a `.minisig` file. Raises ValueError for what is not one."""
    lines = raw.splitlines()
    if len(lines) != 4 or not lines[2].startswith(_TRUSTED) or len(raw) > SIZE_LIMIT:
        raise ValueError("it is not a minisign signature")
    signed, comment_signature = _decoded(lines[1]), _decoded(lines[3])
    if (
        signed[:2] not in (_PLAIN, _PREHASHED)
        or len(signed) != 2 + _ID + _SIGNATURE
        or len(comment_signature) != _SIGNATURE
    ):
        raise ValueError("it is not a minisign signature")
    return Signature(
        key_id=signed[2 : 2 + _ID],
        prehashed=signed[:2] == _PREHASHED,
        signature=signed[2 + _ID :],
        trusted_comment=lines[2].removeprefix(_TRUSTED),
        comment_signature=comment_signature,
    )


def _decoded(line: bytes) -> bytes:
    try:
        return b64decode(line, validate=True)
    except ValueError:
        raise ValueError("it has a line that is not base64") from None


def fits(signature: Signature, key: PublicKey, signed: bytes) -> bool:
    """Whether `key`'s pair made the signature, its comment included.

    `signed`: what is signed, or its BLAKE2b-512 if the signature is prehashed.
    """
    from nacl.exceptions import BadSignatureError  # a hotspot without signatures does without it
    from nacl.signing import VerifyKey

    try:
        verify = VerifyKey(key.key).verify
        verify(signed, signature.signature)
        verify(signature.signature + signature.trusted_comment, signature.comment_signature)
    except BadSignatureError:
        return False
    return signature.key_id == key.id


def parse_secret_key(text: str, password: Callable[[], str]) -> SecretKey:
    """The key in a secret-key file; `password` is asked for where the file is encrypted.

    Raises BadRequest, also where the password is not the right one.
    """
    lines = text.splitlines()
    try:
        raw = _decoded(lines[1].strip().encode())
    except (IndexError, ValueError):
        raw = b""
    if len(raw) != 158 or raw[:2] != _PLAIN or raw[4:6] != _CHECKSUM:
        raise BadRequest("The key is not the secret key of a minisign pair.")
    inner = raw[54:]
    if raw[2:4] == _SCRYPT:
        inner = _decrypted(inner, raw[6:38], raw[38:46], raw[46:54], password())
    key_id, key, checksum = inner[:_ID], inner[_ID:72], inner[72:]
    expected = blake2b(_PLAIN + key_id + key, digest_size=32).digest()
    unchecked = not any(checksum) and raw[2:4] != _SCRYPT
    if not unchecked and not hmac.compare_digest(checksum, expected):
        raise BadRequest("The secret key's password is another one, or the key is damaged.")
    return SecretKey(key_id, key)


def _decrypted(inner: bytes, salt: bytes, operations: bytes, memory: bytes, password: str) -> bytes:
    from nacl.pwhash import scrypt

    stream = scrypt.kdf(
        len(inner),
        password.encode(),
        salt,
        int.from_bytes(operations, "little"),
        int.from_bytes(memory, "little"),
    )
    return bytes(one ^ other for one, other in zip(inner, stream, strict=True))


def sign(key: SecretKey, prehash: bytes, trusted_comment: str) -> bytes:
    """The `.minisig` file for what has this BLAKE2b-512. The comment is one line."""
    from nacl.bindings import crypto_sign

    comment = trusted_comment.encode()
    signature = crypto_sign(prehash, key.key)[:_SIGNATURE]
    comment_signature = crypto_sign(signature + comment, key.key)[:_SIGNATURE]
    return b"\n".join(
        (
            f"{_COMMENT}signature from minisign secret key".encode(),
            b64encode(_PREHASHED + key.id + signature),
            _TRUSTED + comment,
            b64encode(comment_signature),
            b"",
        )
    )
