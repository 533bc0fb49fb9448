"""A note beside the database that it may be damaged: the next start reads it through. Blocking.

Reading all of a big database takes longer than people wait for a hotspot to answer, so a start only
looks at the beginnings. The whole is read while the hotspot serves, and whatever turns out to be
damaged then is mended by the next start, which may come after a power cut: the note is a file.
"""

import os
from pathlib import Path

_REASON = b"This database may be damaged: it is read through at the next start.\n"


def note(path: Path) -> None:
    """Notes that the database `path` may be damaged; on the card when this returns."""
    with _file(path).open("wb") as file:
        file.write(_REASON)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def is_noted(path: Path) -> bool:
    """Whether the database `path` may be damaged."""
    return _file(path).exists()


def forget(path: Path) -> None:
    """The database `path` was read through, or begun anew."""
    _file(path).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file(path: Path) -> Path:
    return path.with_name(path.name + ".doubt")
