"""`hotspot`, except that nothing is made durable: what a power cut does to it has to be noticed."""

import os

from hotspot.cli import main
from hotspot.store import database


def nothing(descriptor: int) -> None:
    """Stands for fsync."""


if __name__ == "__main__":
    os.fsync = os.fdatasync = nothing  # type: ignore[assignment]
    database._PRAGMAS = (*database._PRAGMAS, "PRAGMA synchronous = OFF")  # type: ignore[assignment]
    main()
