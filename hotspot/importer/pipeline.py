"""One package from a stick to the catalogue: plan, copy, verify, rename, publish.

A package becomes visible in one transaction, after its file is durable in packages/. Before that a
power cut leaves a partial copy in incoming/, which the next attempt goes on with, or a whole file
that nothing refers to, which the next start publishes.
"""

import asyncio
import os
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from hotspot import faults
from hotspot.clock import Clock
from hotspot.errors import NoSpace, PackageRefused, SourceChanged, SourceGone
from hotspot.importer.job import Job
from hotspot.importer.publishing import described, imported, new_package
from hotspot.importer.shelf import Shelf
from hotspot.model.catalogue import PublishingStore
from hotspot.model.damage import not_worth_it
from hotspot.model.imports import ImportRecord
from hotspot.model.plan import Held, ImportAction, ImportPlan, plan_import
from hotspot.package.admission import Admission, admit
from hotspot.package.copying import Copied, copy
from hotspot.package.layout import HEADER_SIZE
from hotspot.package.reader import PackageFile, open_package
from hotspot.package.signatures import Seal, Trust, examine, write_beside
from hotspot.package.verify import sound_audio, stage

GiveUp = Callable[[str, str], Awaitable[None]]
"""Removes the package that is named first, and says why."""

_Identity = tuple[int, int, int, int]


class Pipeline:
    """Imports one file after the other. `give_up`: how a replaced package is removed.

    `trust`: whose signatures count. `publishing`: held while a copy becomes a package, and by who
    removes one: the file of one that goes may be the file of the one that comes.
    """

    def __init__(self, store: PublishingStore, clock: Clock, shelf: Shelf, give_up: GiveUp) -> None:
        self._store = store
        self._clock = clock
        self._shelf = shelf
        self._give_up = give_up
        self.trust = Trust()
        self.publishing = asyncio.Lock()

    async def run(self, job: Job) -> ImportRecord:
        """Imports the file of `job`.

        Raises PackageRefused, NoSpace, SourceGone, SourceChanged, or OSError where the file cannot
        be opened. What was copied stays, unless it is of no use.
        """
        before = await asyncio.to_thread(_identity, job.path)
        try:
            found = await asyncio.to_thread(open_package, job.path)
            part = self._shelf.part(found.header.sha256.hex())
            plan = await self._plan(found, part)
            if not plan.action.imports:
                return _left_alone(job.path, plan, found)
            seal = await asyncio.to_thread(examine, found, self.trust)
            if plan.action is ImportAction.REPAIRED:
                await self._check_better(found)
            await self._make_room(plan, part)
            copied = await self._copy(seal, part, job)
        except (PackageRefused, SourceGone):
            await asyncio.to_thread(_check_unchanged, job.path, before)
            raise
        try:
            await asyncio.to_thread(_check_unchanged, job.path, before)
            await asyncio.to_thread(_check_same_head, found, part)
        except SourceChanged:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise
        faults.point("import.copied")
        job.checking()
        return await self._publish(job.path, plan, seal, part, copied)

    async def recover(self, path: Path) -> ImportRecord:
        """A file that was verified and renamed, and whose transaction a power cut prevented.

        Or one that has been replaced, and was to be deleted.
        """
        found = await asyncio.to_thread(open_package, path)
        plan = await self._plan(found, path)
        if plan.action in (ImportAction.SAME, ImportAction.OLDER):
            await asyncio.to_thread(self._shelf.delete, [path.name])
        if not plan.action.imports:
            return _left_alone(path, plan, found)
        seal = await asyncio.to_thread(examine, found, self.trust)
        return await self._publish(path, plan, seal, path, await _hashed(seal))

    async def _plan(self, found: PackageFile, part: Path) -> ImportPlan:
        room, copied = await asyncio.to_thread(self._shelf.room, part)
        return plan_import(described(found, copied), await self._store.held_packages(), room)

    async def _make_room(self, plan: ImportPlan, part: Path) -> None:
        if plan.drop_cut_copies:
            await asyncio.to_thread(self._shelf.drop_cut_copies, part)
        for package_id in plan.give_up:
            await self._give_up(package_id, "it made room for others")

    async def _copy(self, seal: Seal, part: Path, job: Job) -> Copied:
        """The copy; whatever is damaged in it was so on the stick."""
        copied = await self._copy_once(seal, part, job)
        if copied.resumed and copied.content_sha256 != seal.package.header.sha256.hex():
            await asyncio.to_thread(part.unlink)
            copied = await self._copy_once(seal, part, job)
        return copied

    async def _copy_once(self, seal: Seal, part: Path, job: Job) -> Copied:
        found = seal.package
        stop = threading.Event()
        loop = asyncio.get_running_loop()

        def progress(done: int) -> None:
            if self._shelf.full:
                raise NoSpace(
                    "The card is full but for its reserve: remove packages that nobody uses, "
                    "or use a bigger card."
                )
            loop.call_soon_threadsafe(job.copying, done, found.size)

        work = asyncio.to_thread(
            copy,
            found.path,
            part,
            found.size,
            HEADER_SIZE,
            progress,
            stop.is_set,
            prehash=seal.needs_prehash,
            spans=found.audio_spans,
        )
        copying = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(copying)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([copying])
            copying.exception()  # not taken, asyncio would report it as an error
            raise

    async def _publish(
        self, source: Path, plan: ImportPlan, seal: Seal, file: Path, copied: Copied
    ) -> ImportRecord:
        sha256 = copied.sha256
        staging, final = self._shelf.staging(sha256), self._shelf.final(sha256)
        try:
            admitted = await admit(seal, file, copied)
            await self._check_worth(admitted)
            staged = await stage(file, staging, latest=self._latest())
            faults.point("import.verified")
            async with self.publishing:
                await asyncio.to_thread(write_beside, final, admitted.signatures)
                await asyncio.to_thread(self._shelf.shelve, file, final)
                faults.point("import.renamed")
                await self._list(admitted, sha256, staging, final, file)
                faults.point("import.published")
                await self.delete_discarded()
        except PackageRefused:
            await asyncio.to_thread(file.unlink, missing_ok=True)
            raise
        finally:
            await asyncio.to_thread(staging.unlink, missing_ok=True)
        return imported(source, plan, admitted, staged.rows)

    async def _held(self, package_id: str) -> Held | None:
        held = await self._store.held_packages()
        return next((one for one in held if one.package_id == package_id), None)

    async def _check_better(self, found: PackageFile) -> None:
        """Raises PackageRefused for a copy in which the same audio is damaged as here."""
        damaged = await self._store.damaged_audio(found.manifest.package_id)
        if damaged and not await asyncio.to_thread(sound_audio, found, damaged):
            raise PackageRefused(
                "The same audio is damaged in it as in the copy that is here. Bring a good copy."
            )

    async def _check_worth(self, admitted: Admission) -> None:
        """Raises PackageRefused where what is here is better."""
        found = described(admitted.package, 0)
        held = await self._held(found.package_id)
        if (reason := not_worth_it(found, held, len(admitted.damaged))) is not None:
            raise PackageRefused(reason)

    async def _list(
        self, admitted: Admission, sha256: str, staging: Path, final: Path, part: Path
    ) -> None:
        """Publishes; where there is no room for the records, the copy waits for the next time."""
        now = self._clock.now()
        try:
            await self._store.publish(new_package(admitted, sha256, now), staging, now)
        except NoSpace:
            await asyncio.to_thread(final.replace, part)
            raise

    async def delete_discarded(self) -> None:
        """Deletes the files that nothing refers to any more."""
        names = await self._store.discarded_files()
        if names:
            await asyncio.to_thread(self._shelf.delete, names)
            await self._store.files_deleted(names)

    def _latest(self) -> str | None:
        """The time, where it is known: nothing in a package was written later."""
        return self._clock.now() if self._clock.trusted else None


async def _hashed(seal: Seal) -> Copied:
    """The hashes of a file that is copied already."""
    path, size, spans = seal.package.path, seal.package.size, seal.package.audio_spans
    prehash = seal.needs_prehash
    return await asyncio.to_thread(
        copy, path, path, size, HEADER_SIZE, _unseen, _never, prehash=prehash, spans=spans
    )


def _unseen(done: int) -> None:
    pass


def _never() -> bool:
    return False


def _left_alone(path: Path, plan: ImportPlan, found: PackageFile) -> ImportRecord:
    return ImportRecord(
        source=str(path),
        action=plan.action,
        sentence=plan.sentence,
        package_id=found.manifest.package_id,
    )


def _identity(path: Path) -> _Identity:
    """What tells a file from itself after a change. Raises PackageRefused for what is no file."""
    known = path.lstat()
    if not stat.S_ISREG(known.st_mode):
        raise PackageRefused("This is not a file.")
    return known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns


def _check_unchanged(path: Path, before: _Identity) -> None:
    """Raises SourceChanged unless the file is as it was `before`, or gone with its stick."""
    try:
        same = _identity(path) == before
    except (OSError, PackageRefused):
        return
    if not same:
        raise SourceChanged(_CHANGED)


def _check_same_head(found: PackageFile, part: Path) -> None:
    """Raises SourceChanged where the copy begins otherwise than what was planned for."""
    with part.open("rb") as file:
        file.seek(HEADER_SIZE)
        if file.read(len(found.manifest_bytes)) != found.manifest_bytes:
            raise SourceChanged(_CHANGED)


_CHANGED = (
    "It changed while it was read: wait until all is copied to the stick, and put it in again."
)


def why(error: OSError) -> str:
    """What the system says about a file."""
    return os.strerror(error.errno or 0)
