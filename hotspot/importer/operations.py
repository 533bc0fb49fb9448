"""What a person can ask of importing, over plain data."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hotspot.errors import NotFound
from hotspot.importer.exporting import export
from hotspot.importer.importer import Importer
from hotspot.model.catalogue import PublishingStore
from hotspot.model.imports import ImportRecord, UnderWay

LISTED = 500


class ImportOperations:
    """The operations over one importer."""

    def __init__(self, store: PublishingStore, importer: Importer) -> None:
        self._store = store
        self._importer = importer

    def table(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """Every operation by its name; the arguments are JSON values, as are the results."""
        return {
            "import": self.import_paths,
            "imports": self.imports,
            "importing": self.jobs,
            "cancel-import": self.cancel,
            "remove-package": self.remove_package,
            "export-package": self.export_package,
        }

    async def import_paths(self, paths: list[str], request: str = "") -> list[dict[str, Any]]:
        """Imports package files, and all packages in folders. `request`: to cancel them by."""
        results = await self._importer.import_all([Path(path) for path in paths], request)
        return [import_json(result) for result in results]

    async def imports(self) -> list[dict[str, Any]]:
        """What became of the files that were met, the newest last."""
        return [import_json(one) for one in await self._store.imports(LISTED)]

    async def jobs(self) -> list[dict[str, Any]]:
        """The files that are being imported or wait for it."""
        return [_job_json(one) for one in self._importer.under_way()]

    async def cancel(self, job: int | None = None, request: str | None = None) -> dict[str, Any]:
        """Stops an import, or all of one request; raises NotFound where there is none."""
        stopped = self._importer.cancel(job, request)
        if job is not None and not stopped:
            raise NotFound(f"There is no import {job}: it has ended, or never began.")
        return {"cancelled": stopped}

    async def remove_package(self, package_id: str) -> dict[str, Any]:
        """Takes a package away, and the records that no other package here holds."""
        if not await self._importer.remove(package_id):
            raise NotFound(f"There is no package {package_id!r} here.")
        return {"removed": package_id}

    async def export_package(self, package_id: str, folder: str) -> dict[str, Any]:
        """Writes a package's file, and its signatures, to a folder."""
        held = await self._store.package(package_id)
        if held is None:
            raise NotFound(f"There is no package {package_id!r} here.")
        written = await export(self._importer.packages / held.file_name, held.info, Path(folder))
        return {"exported": package_id, "files": [str(path) for path in written]}


def import_json(record: ImportRecord) -> dict[str, Any]:
    """What became of one file, as JSON values."""
    return {
        "source": record.source,
        "outcome": record.action.value,
        "message": record.sentence,
        "packageId": record.package_id,
        "rows": record.rows,
        "seconds": round(record.seconds, 3),
        "at": record.at,
    }


def _job_json(one: UnderWay) -> dict[str, Any]:
    at = one.progress
    return {
        "job": one.job,
        "request": one.request,
        "source": one.source,
        "phase": one.phase,
        "done": None if at is None else at.done,
        "total": None if at is None else at.total,
        "rate": None if at is None else at.rate,
        "leftSeconds": None if at is None else at.left_s,
    }
