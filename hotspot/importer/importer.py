"""Importing: find packages, put them in order, import one at a time, keep what became of each."""

import asyncio
import errno
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

import msgspec

from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.errors import (
    CannotWrite,
    HotspotError,
    NoSpace,
    PackageRefused,
    SourceChanged,
    SourceGone,
)
from hotspot.events import Bus, CatalogueChanged, ImportFinished
from hotspot.importer.finding import find_packages, offered, printable
from hotspot.importer.job import Job
from hotspot.importer.pipeline import Pipeline, why
from hotspot.importer.shelf import Shelf
from hotspot.importer.turns import Turns
from hotspot.model.catalogue import AudioStore, PublishingStore
from hotspot.model.imports import ImportRecord, UnderWay
from hotspot.model.plan import ImportAction, excluded
from hotspot.model.queueing import in_order, rank
from hotspot.package.signatures import load_trust

log = logging.getLogger(__name__)

TRIES = 3
"""How often a file is read that changes meanwhile."""
SETTLE_S = 0.5


class ImporterStore(PublishingStore, AudioStore, Protocol):
    """What an importer needs of the store."""


class Importer:
    """Imports one package at a time; the others wait, small texts before big audio."""

    def __init__(self, config: Config, store: ImporterStore, clock: Clock, bus: Bus) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._bus = bus
        self._shelf = Shelf(config)
        self._pipeline = Pipeline(store, clock, self._shelf, self._give_up)
        self._turns = Turns()
        self._numbers = count(1)
        self.packages = config.packages
        self.jobs: dict[int, Job] = {}
        self.outcomes: Counter[ImportAction] = Counter()

    async def prepare(self) -> None:
        """Makes the folders, clears what a power cut left, publishes what was ready for it."""
        self._pipeline.trust = await asyncio.to_thread(
            load_trust, self._config.trusted_keys, self._config.require_signature
        )
        await asyncio.to_thread(self._shelf.make)
        await self._pipeline.delete_discarded()
        used = await self._store.file_names()
        for path in await asyncio.to_thread(self._shelf.unpublished, used):
            await self._keep(await self._attempt(path, self._pipeline.recover(path)))
        await self._remove_excluded()
        await self._collect()

    async def _collect(self) -> None:
        """Deletes files that nothing refers to. Packages that could not be published stay."""
        used = await self._store.file_names()
        used |= {path.name for path in await asyncio.to_thread(self._shelf.unpublished, used)}
        wanted = bool(await self._store.wanted_audio())
        gone = await asyncio.to_thread(self._shelf.delete_strays, used, keep_parts=wanted)
        if gone:
            log.info("Deleted %d files that nothing refers to.", len(gone))

    async def import_folder(self, folder: Path, request: str = "") -> list[ImportRecord]:
        """Imports every package below `folder` that is not here yet."""
        results, files = await self._find([folder])
        return results + await self._run_all(files, request)

    async def import_file(self, path: Path) -> ImportRecord:
        """Imports one file; whatever is wrong with it is said in the result."""
        (result,) = await self._run_all([path], "")
        return result

    async def import_all(self, paths: Sequence[Path], request: str = "") -> list[ImportRecord]:
        """Imports files, and all packages in folders; `request`: a name to cancel them by."""
        folders = [path for path in paths if await asyncio.to_thread(path.is_dir)]
        results, files = await self._find(folders)
        files += [path for path in paths if path not in folders]
        return results + await self._run_all(files, request)

    async def _find(self, folders: Sequence[Path]) -> tuple[list[ImportRecord], list[Path]]:
        """The package files in folders; and what is to be said of folders that cannot be read."""
        results: list[ImportRecord] = []
        files: list[Path] = []
        for folder in folders:
            try:
                files += await asyncio.to_thread(find_packages, folder)
            except OSError as error:
                sentence = f"The stick cannot be read ({why(error)})."
                failed = _record(folder, ImportAction.INTERRUPTED, sentence)
                results.append(await self._keep(failed))
        return results, files

    def under_way(self) -> list[UnderWay]:
        """What is being imported, and then what waits, in order."""
        jobs = sorted(self.jobs.values(), key=lambda job: (job.phase == "waiting", job.rank))
        return [
            UnderWay(
                job=job.id,
                source=job.source,
                request=job.request,
                phase=job.phase,
                progress=job.progress,
            )
            for job in jobs
        ]

    def cancel(self, job_id: int | None = None, request: str | None = None) -> list[str]:
        """Stops imports, by their number or all of one request; returns the files' names.

        What is copied stays, and the next import of the file goes on from there.
        """
        chosen = [
            job
            for job in self.jobs.values()
            if job.id == job_id or (request is not None and job.request == request)
        ]
        for job in chosen:
            job.cancelled = True
            if job.task is not None:
                job.task.cancel()
        return [job.source for job in chosen]

    async def remove(self, package_id: str) -> bool:
        """Takes a package out of the catalogue, its file off the card, and with it the records
        that no other package holds. False: there is no such package.

        It does not wait for a copy that is under way.
        """
        return await self._remove(package_id)

    async def refuse(
        self, source: str, sentence: str, action: ImportAction = ImportAction.REFUSED
    ) -> None:
        """Records that a stick could not be imported from, or not to its end."""
        await self._keep(_record(source, action, sentence))

    async def _run_all(self, paths: Sequence[Path], request: str) -> list[ImportRecord]:
        offers = [(await asyncio.to_thread(offered, path), path) for path in paths]
        jobs = [
            Job(next(self._numbers), path, rank(offer), request, self._bus)
            for offer, path in in_order(offers)
        ]
        self.jobs |= {job.id: job for job in jobs}
        try:
            return [await self._keep(await self._run(job)) for job in jobs]
        finally:
            for job in jobs:
                self.jobs.pop(job.id, None)

    async def _run(self, job: Job) -> ImportRecord:
        """Does one job. It ends with this call, also where that is cancelled."""
        work = asyncio.create_task(self._work(job))
        job.task = work
        if job.cancelled:
            work.cancel()
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work])
            raise
        finally:
            self.jobs.pop(job.id, None)
        if work.cancelled():
            sentence = f"{job.path.name} was stopped; the next time it goes on where it was."
            return _record(job.path, ImportAction.CANCELLED, sentence)
        return work.result()

    async def _work(self, job: Job) -> ImportRecord:
        async with self._turns.turn(job.rank):
            return await self._attempt(job.path, self._persist(job))

    async def _persist(self, job: Job) -> ImportRecord:
        """Imports a file, again where it changed meanwhile."""
        for _ in range(TRIES - 1):
            try:
                return await self._imported(job)
            except SourceChanged:
                await asyncio.sleep(SETTLE_S)
        return await self._imported(job)

    async def _imported(self, job: Job) -> ImportRecord:
        result = await self._pipeline.run(job)
        if result.action.imports:
            await self._remove_excluded()
        return result

    async def _attempt(self, path: Path, work: Awaitable[ImportRecord]) -> ImportRecord:
        began = time.monotonic()
        try:
            result = await work
        except PackageRefused as error:
            result = _record(path, ImportAction.REFUSED, f"{path.name}: {error}")
        except NoSpace as error:
            result = _record(path, ImportAction.NO_SPACE, f"{path.name}: {error}")
        except SourceChanged as error:
            result = _record(path, ImportAction.CHANGED, f"{path.name}: {error}")
        except SourceGone as error:
            result = _record(path, ImportAction.INTERRUPTED, str(error))
        except CannotWrite as error:
            result = _record(path, ImportAction.INTERRUPTED, f"{path.name}: {error}")
        except OSError as error:
            told = f" cannot be read ({why(error)})."
            if error.errno == errno.EROFS:  # sticks are never written to: it is the card
                told = f": {CannotWrite()}"
            result = _record(path, ImportAction.INTERRUPTED, path.name + told)
        return msgspec.structs.replace(result, seconds=time.monotonic() - began)

    async def _give_up(self, package_id: str, reason: str) -> None:
        if await self._remove(package_id):
            sentence = f"Package {package_id} was removed: another one replaces it, and {reason}."
            await self._keep(_record(package_id, ImportAction.REMOVED, sentence, package_id))

    async def _remove_excluded(self) -> None:
        for package_id in excluded(await self._store.held_packages()):
            await self._give_up(package_id, "the two cannot be here together")

    async def _remove(self, package_id: str) -> bool:
        async with self._pipeline.publishing:
            if not await self._store.remove_package(package_id):
                return False
            await self._pipeline.delete_discarded()
        self._bus.publish(CatalogueChanged())
        return True

    async def _keep(self, told: ImportRecord) -> ImportRecord:
        """Tells everybody, and keeps it for those who ask later."""
        result = msgspec.structs.replace(
            told,
            source=printable(told.source),
            sentence=printable(told.sentence),
            at=self._clock.now(),
        )
        log.info("%s: %s", result.source, result.sentence)
        self.outcomes[result.action] += 1
        try:
            await self._store.keep_import(result)
        except HotspotError as error:
            log.warning("This could not be kept: %s", error)
        self._bus.publish(
            ImportFinished(result.source, result.action.value, result.sentence, result.package_id)
        )
        if result.action.imports:
            self._bus.publish(CatalogueChanged())
        return result


def _record(
    source: Path | str, action: ImportAction, sentence: str, package_id: str | None = None
) -> ImportRecord:
    return ImportRecord(source=str(source), action=action, sentence=sentence, package_id=package_id)
