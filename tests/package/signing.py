"""Keys for tests, and the ordinary minisign tool."""

import subprocess
from base64 import b64encode
from hashlib import blake2b
from pathlib import Path

from nacl.signing import SigningKey

from hotspot.package.minisign import PublicKey, SecretKey
from hotspot.package.signatures import Trust


class Pair:
    """A pair of keys, the same for the same `seed`."""

    def __init__(self, seed: int) -> None:
        signing = SigningKey(bytes([seed]) * 32)
        public = bytes(signing.verify_key)
        self.public = PublicKey(bytes([seed]) * 8, public)
        self.secret = SecretKey(self.public.id, bytes(signing) + public)

    def trusted(self, *, required: bool = False) -> Trust:
        """A hotspot that trusts this pair alone."""
        return Trust({self.public.id: self.public}, required)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Files of the public and the secret key, as `minisign -G -W` makes them."""
        public = b"Ed" + self.public.id + self.public.key
        checked = self.secret.id + self.secret.key
        secret = b"Ed" + bytes(2) + b"B2" + bytes(48) + checked
        secret += blake2b(b"Ed" + checked, digest_size=32).digest()
        files = folder / f"{self.public.name}.pub", folder / f"{self.public.name}.key"
        for path, raw in zip(files, (public, secret), strict=True):
            path.write_bytes(b"untrusted comment: a test's\n" + b64encode(raw) + b"\n")
        return files


def minisign(*arguments: object, answers: str = "") -> str:
    """Runs the tool; what it says. Fails the test where it fails."""
    done = subprocess.run(
        ["minisign", *map(str, arguments)], input=answers, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
