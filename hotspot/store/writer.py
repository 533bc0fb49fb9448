"""The one writer: works that wait are committed together, each in a savepoint of its own.

One commit is one wait for the card; ten phones that upload at the same time wait for it once. But
nobody waits for many long works of others, such as the batches of a session.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from hotspot.errors import CannotWrite, TryLater
from hotspot.store.failures import is_damage, translated

T = TypeVar("T")
Work = Callable[[aiosqlite.Connection], Awaitable[T]]

GROUP = 64
"""The most works that one commit takes."""
LONG_S = 0.05
"""Works for so long are committed; what waits behind them does not make them wait longer."""

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Job:
    """A work that waits. `done`: its result, once that is safe on the card, or its error."""

    work: Work[Any]
    attach: Path | None
    committed: Callable[[Any], None]
    done: asyncio.Future[Any]


class Writer:
    """Runs works on its connection, one after the other, from `start` to `stop`.

    `blocked`: the sentence that says why the card takes no writes, since the last that failed so.
    `doubted`: set when a part of the file could not be read as it was written.
    `watch`: a SELECT of one value; `seen`: that value as of the last commit.
    `read_only`: nothing can be written, and each work is refused with CannotWrite.
    """

    def __init__(
        self,
        connection: aiosqlite.Connection,
        watch: str = "SELECT NULL",
        *,
        read_only: bool = False,
    ) -> None:
        self.blocked: str | None = str(CannotWrite()) if read_only else None
        self._read_only = read_only
        self.doubted = asyncio.Event()
        self.seen: Any = None
        self._watched = watch
        self._connection = connection
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to serve."""
        self.seen = await self._look()
        self._task = asyncio.create_task(self._serve(), name="store-writer")

    async def stop(self) -> None:
        """Commits the works that wait, and ends."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def run(
        self,
        work: Work[T],
        *,
        attach: Path | None = None,
        committed: Callable[[T], None] = lambda result: None,
    ) -> T:
        """Runs `work` in a write transaction; returns its result once that is committed.

        `work` awaits nothing but the connection. An exception of `work` undoes what it did, no
        more, and is raised. `attach`: a database that `work` sees as `staging`, read-only; the
        work is then committed alone. `committed` is called with the result right after the commit,
        also where the caller was cancelled meanwhile: a work that has begun is finished.
        """
        if self._read_only:
            raise CannotWrite
        if self._stopping:
            raise TryLater("The database is being closed.")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(work, attach, committed, done))
        self._wake.set()
        return await done

    async def _serve(self) -> None:
        while not (self._stopping and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if group := self._next_group():
                    await self._settle(group)

    def _next_group(self) -> list[_Job]:
        """The works for the next commit, without those that nobody waits for any more."""
        group: list[_Job] = []
        while self._waiting and len(group) < GROUP:
            alone = self._waiting[0].attach is not None
            if alone and group:
                break
            job = self._waiting.popleft()
            if not job.done.cancelled():
                group.append(job)
            if alone:
                break
        return group

    async def _settle(self, group: list[_Job]) -> None:
        """Commits a group, then tells each waiting caller how it went; the others wait on."""
        try:
            outcomes = await self._commit(group)
        except Exception as error:
            outcomes = [(job, self._meaning(error)) for job in group]
        self._waiting.extendleft(reversed(group[len(outcomes) :]))
        self._watch([outcome for _, outcome in outcomes])
        for job, outcome in outcomes:
            if isinstance(outcome, Exception):
                if not job.done.done():
                    job.done.set_exception(outcome)
            else:
                _tell(job, outcome[0])

    def _watch(self, outcomes: list[tuple[Any] | Exception]) -> None:
        """Notes whether the card takes writes, and says so when that changes."""
        refusals = [str(outcome) for outcome in outcomes if isinstance(outcome, CannotWrite)]
        if refusals and self.blocked is None:
            log.error("%s", refusals[0])
        if refusals:
            self.blocked = refusals[0]
        elif any(not isinstance(outcome, Exception) for outcome in outcomes):
            self.blocked = None

    def _meaning(self, error: Exception) -> Exception:
        if is_damage(error):
            self.doubted.set()
        return translated(error)

    async def _commit(self, group: list[_Job]) -> list[tuple[_Job, tuple[Any] | Exception]]:
        """What each work returned (as a tuple of one) or raised; all that did not raise stand.

        Of the last ones there is nothing, where those before them took long.
        """
        attach = group[0].attach
        if attach is not None:
            name = as_uri(attach) + "?mode=ro"
            await self._connection.execute("ATTACH DATABASE ? AS staging", (name,))
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
            outcomes = await self._attempt_first(group)
            seen = await self._look()
            await self._connection.execute("COMMIT")
            self.seen = seen
        finally:
            if self._connection.in_transaction:
                await self._connection.execute("ROLLBACK")
            if attach is not None:
                await self._connection.execute("DETACH DATABASE staging")
        return outcomes

    async def _look(self) -> Any:
        ((value,),) = await self._connection.execute_fetchall(self._watched)
        return value

    async def _attempt_first(self, group: list[_Job]) -> list[tuple[_Job, tuple[Any] | Exception]]:
        """Attempts the works in turn, until all were or LONG_S has passed."""
        loop = asyncio.get_running_loop()
        outcomes, end = [], loop.time() + LONG_S
        for job in group:
            outcomes.append((job, await self._attempt(job)))
            if loop.time() > end:
                break
        return outcomes

    async def _attempt(self, job: _Job) -> tuple[Any] | Exception:
        await self._connection.execute("SAVEPOINT work")
        try:
            result = await job.work(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                raise
            await self._connection.execute("ROLLBACK TO work")
            await self._connection.execute("RELEASE work")
            return self._meaning(error)
        await self._connection.execute("RELEASE work")
        return (result,)


def as_uri(path: Path) -> str:
    """The name by which SQLite opens a file with options."""
    return path.absolute().as_uri()


def _tell(job: _Job, result: Any) -> None:
    try:
        job.committed(result)
    except Exception:
        log.exception("A listener to commits failed.")
    if not job.done.done():
        job.done.set_result(result)
