"""Which machine this is."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

NOBODY = frozenset({"", "uninitialized"})
"""What stands there before somebody has told the machine who it is."""


def machine_id(files: Sequence[Path]) -> str | None:
    """The id by the first of `files` that tells one: the board's serial number goes before an id
    that lies on the card. Hashed, because the system's own id is nobody else's business. Blocking.
    """
    for file in files:
        try:
            told = file.read_text(errors="replace").strip("\0 \t\r\n")
        except OSError:
            continue
        if told not in NOBODY and told.strip("0"):
            return sha256(f"hotspot {told}".encode()).hexdigest()
    return None
