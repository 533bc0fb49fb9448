"""What became of package files, as it is told and kept."""

from typing import Protocol

import msgspec

from hotspot.model.plan import ImportAction
from hotspot.model.progress import Progress


class ImportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file, and when (`at`). `rows`: rows in the package by table, if it was
    imported."""

    source: str
    action: ImportAction
    sentence: str
    package_id: str | None = None
    rows: dict[str, int] | None = None
    seconds: float = 0.0
    at: str = ""


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is being imported, or waits for it: phase 'waiting', 'copying' or 'checking'.

    `job`: the number by which it can be stopped; `request`: who asked for it, if somebody did.
    """

    job: int
    source: str
    request: str
    phase: str
    progress: Progress | None


class ImportLog(Protocol):
    """Where it is kept, over restarts."""

    async def keep_import(self, record: ImportRecord) -> None:
        """Keeps a record as the newest; the same said of the same file before is replaced."""

    async def imports(self, limit: int) -> list[ImportRecord]:
        """The newest records, the oldest of them first."""
