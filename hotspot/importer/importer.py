"""Importing packages: find, plan, copy, verify, rename, publish.

A package becomes visible in one transaction, after its file is durable in packages/. Before that a
power cut leaves a partial copy in incoming/, which the next attempt goes on with, or a whole file
that nothing refers to, which `recover` publishes.
"""

import asyncio
import logging
import os
import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from pathlib import Path

from hotspot import faults
from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.errors import NoSpace, PackageRefused, SourceGone
from hotspot.events import Bus, CatalogueChanged, ImportFinished, ImportProgress
from hotspot.importer.finding import find_packages, printable
from hotspot.importer.publishing import new_package
from hotspot.model.catalogue import PublishingStore
from hotspot.model.plan import Found, Held, ImportAction, ImportPlan, plan_import
from hotspot.package.copying import CHUNK as COPY_CHUNK
from hotspot.package.copying import Copied, copy
from hotspot.package.layout import HEADER_SIZE
from hotspot.package.reader import PackageFile, open_package
from hotspot.package.verify import stage, verify

log = logging.getLogger(__name__)

REPORT_EVERY = 16 * 1024 * 1024
REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of one file. `rows`: rows in the package by table, if it was imported."""

    source: str
    action: ImportAction
    sentence: str
    package_id: str | None = None
    rows: dict[str, int] | None = None
    seconds: float = 0.0


class Importer:
    """Imports one package at a time; the others wait."""

    def __init__(self, config: Config, store: PublishingStore, clock: Clock, bus: Bus) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._bus = bus
        self._one_at_a_time = asyncio.Lock()
        self.results: deque[ImportResult] = deque(maxlen=REMEMBERED)
        self.outcomes: Counter[ImportAction] = Counter()
        self.progress: ImportProgress | None = None

    async def prepare(self) -> None:
        """Makes the folders, clears what a power cut left, publishes what was ready for it."""
        await asyncio.to_thread(_make_folders, self._config)
        published = await self._store.file_names()
        for path in await asyncio.to_thread(_packages_in, self._config.packages):
            if path.name not in published:
                await self._recorded(path, self._recover(path))

    async def import_folder(self, folder: Path) -> list[ImportResult]:
        """Imports every package below `folder` that is not here yet."""
        try:
            paths = await asyncio.to_thread(find_packages, folder)
        except OSError as error:
            sentence = f"The stick cannot be read ({os.strerror(error.errno or 0)})."
            return [self._remember(ImportResult(str(folder), ImportAction.INTERRUPTED, sentence))]
        return [await self.import_file(path) for path in paths]

    async def import_file(self, path: Path) -> ImportResult:
        """Imports one file; whatever is wrong with it is said in the result."""
        async with self._one_at_a_time:
            return await self._recorded(path, self._import(path))

    async def remove(self, package_id: str) -> bool:
        """Takes a package out of the catalogue, and its file off the card; its records stay.

        False: there is no such package.
        """
        async with self._one_at_a_time:
            held = await self._store.package(package_id)
            if held is None or not await self._store.remove_package(package_id):
                return False
            await self._discard(held.file_name)
        self._bus.publish(CatalogueChanged())
        return True

    async def _recorded(self, path: Path, work: Awaitable[ImportResult]) -> ImportResult:
        began = time.monotonic()
        try:
            result = await work
        except PackageRefused as error:
            result = ImportResult(str(path), ImportAction.REFUSED, f"{path.name}: {error}")
        except NoSpace as error:
            result = ImportResult(str(path), ImportAction.NO_SPACE, f"{path.name}: {error}")
        except SourceGone as error:
            result = ImportResult(str(path), ImportAction.INTERRUPTED, str(error))
        except OSError as error:
            sentence = f"{path.name} cannot be read ({os.strerror(error.errno or 0)})."
            result = ImportResult(str(path), ImportAction.INTERRUPTED, sentence)
        finally:
            self.progress = None
        return self._remember(replace(result, seconds=time.monotonic() - began))

    def refuse(self, source: str, sentence: str) -> None:
        """Records that a stick could not be imported from."""
        self._remember(ImportResult(source, ImportAction.REFUSED, sentence))

    def _remember(self, told: ImportResult) -> ImportResult:
        result = replace(told, source=printable(told.source), sentence=printable(told.sentence))
        log.info("%s: %s", result.source, result.sentence)
        self.results.append(result)
        self.outcomes[result.action] += 1
        self._bus.publish(
            ImportFinished(result.source, result.action.value, result.sentence, result.package_id)
        )
        if result.action.imports:
            self._bus.publish(CatalogueChanged())
        return result

    async def _import(self, path: Path) -> ImportResult:
        found = await asyncio.to_thread(open_package, path)
        part = self._config.incoming / f"{found.header.sha256.hex()}.part"
        plan = await self._plan(found, part)
        if not plan.action.imports:
            return _result(path, plan, found)
        copied = await self._copy(found, part)
        faults.point("import.copied")
        return await self._publish(path, plan, part, copied.sha256)

    async def _recover(self, path: Path) -> ImportResult:
        """A file that was verified and renamed, and whose transaction a power cut prevented.

        Or one that has been replaced, and was to be deleted.
        """
        found = await asyncio.to_thread(open_package, path)
        plan = await self._plan(found, path)
        if plan.action in (ImportAction.SAME, ImportAction.OLDER):
            await self._discard(path.name)
        if not plan.action.imports:
            return _result(path, plan, found)
        return await self._publish(path, plan, path, path.stem)

    async def _plan(self, found: PackageFile, part: Path) -> ImportPlan:
        held = await self._store.package(found.manifest.package_id)
        free, copied = await asyncio.to_thread(_room, self._config.incoming, part)
        asked = Found(
            package_id=found.manifest.package_id,
            version=found.manifest.package_version,
            size=found.size,
            database_size=found.database_size,
            copied=copied,
        )
        return plan_import(asked, Held(held.info.package_version) if held else None, free)

    async def _copy(self, found: PackageFile, part: Path) -> Copied:
        """The copy, with the content that its header promises; `part` is gone where it is not."""
        copied = await self._copy_once(found, part)
        if copied.content_sha256 != found.header.sha256.hex() and copied.resumed:
            await asyncio.to_thread(part.unlink)
            copied = await self._copy_once(found, part)
        if copied.content_sha256 != found.header.sha256.hex():
            report = await verify(part)
            await asyncio.to_thread(part.unlink)
            raise PackageRefused(report.sentence)
        return copied

    async def _copy_once(self, found: PackageFile, part: Path) -> Copied:
        stop = threading.Event()
        loop = asyncio.get_running_loop()

        def progress(done: int) -> None:
            if done % REPORT_EVERY < COPY_CHUNK or done == found.size:
                loop.call_soon_threadsafe(self._report, found, done)

        work = asyncio.to_thread(
            copy, found.path, part, found.size, HEADER_SIZE, progress, stop.is_set
        )
        job = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([job])
            job.exception()  # not taken, asyncio would report it as an error
            raise

    def _report(self, found: PackageFile, done: int) -> None:
        self.progress = ImportProgress(printable(found.path.name), done, found.size)
        self._bus.publish(self.progress)

    async def _publish(
        self, source: Path, plan: ImportPlan, file: Path, sha256: str
    ) -> ImportResult:
        staging = self._config.incoming / f"{sha256}.staging"
        final = self._config.packages / f"{sha256}.bible"
        try:
            package = await asyncio.to_thread(open_package, file)
            staged = await stage(file, staging, latest=self._latest())
            faults.point("import.verified")
            await asyncio.to_thread(_move_durably, file, final)
            faults.point("import.renamed")
            now, before = self._clock.now(), await self._store.package(package.manifest.package_id)
            await self._store.publish(new_package(package, sha256, now), staging, now)
            faults.point("import.published")
            if before is not None and before.file_name != final.name:
                await self._discard(before.file_name)
        except PackageRefused:
            await asyncio.to_thread(file.unlink, missing_ok=True)
            raise
        finally:
            await asyncio.to_thread(staging.unlink, missing_ok=True)
        sentence = _imported(plan.action, package, staged.rows)
        return ImportResult(
            str(source), plan.action, sentence, package.manifest.package_id, staged.rows
        )

    async def _discard(self, file_name: str) -> None:
        """Deletes a file that nothing refers to any more; who reads it now reads it to its end."""
        await asyncio.to_thread((self._config.packages / file_name).unlink, missing_ok=True)

    def _latest(self) -> str | None:
        """The time, where it is known: nothing in a package was written later."""
        return self._clock.now() if self._clock.trusted else None


def _result(path: Path, plan: ImportPlan, found: PackageFile) -> ImportResult:
    return ImportResult(str(path), plan.action, plan.sentence, found.manifest.package_id)


def _imported(action: ImportAction, package: PackageFile, rows: dict[str, int]) -> str:
    manifest = package.manifest
    how = "is new here" if action is ImportAction.NEW else "replaces an older version"
    verses, audio = rows.get("verse_texts", 0), rows.get("media_files", 0)
    return (
        f"Package {manifest.package_id} version {manifest.package_version} {how}: "
        f"{verses} verses, {audio} audio files."
    )


def _make_folders(config: Config) -> None:
    config.packages.mkdir(parents=True, exist_ok=True)
    config.incoming.mkdir(parents=True, exist_ok=True)
    for leftover in config.incoming.iterdir():
        if leftover.suffix != ".part":
            leftover.unlink()


def _packages_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.bible"))


def _room(folder: Path, part: Path) -> tuple[int, int]:
    """Bytes free on the card, and bytes of `part` that are there already."""
    return shutil.disk_usage(folder).free, part.stat().st_size if part.exists() else 0


def _move_durably(file: Path, final: Path) -> None:
    """Renames a file whose bytes are durable, and makes the new name durable."""
    if file != final:
        file.replace(final)
    descriptor = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
