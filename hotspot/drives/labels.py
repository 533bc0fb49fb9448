"""Labels of file systems as people gave them, in any script, and fit to be shown anywhere."""

import re
from collections.abc import Mapping

_ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})")
_JOINERS = "\u200c\u200d"
"""They are invisible, and yet several scripts are not spelled right without them."""


def label_of(properties: Mapping[str, str]) -> str:
    """The label in udev's properties of a device, or an empty text.

    ID_FS_LABEL has underscores where ID_FS_LABEL_ENC has the very characters, some as `\\xHH`.
    """
    encoded = properties.get("ID_FS_LABEL_ENC")
    if encoded is None:
        return shown(properties.get("ID_FS_LABEL", ""))
    raw = _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), _bytes(encoded))
    return shown(raw.decode(errors="replace"))


def shown(text: str) -> str:
    """`text` without what would break a line, a log or the direction of writing."""
    safe = (
        char if char.isprintable() or char in _JOINERS else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )
    return "".join(safe).strip()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
