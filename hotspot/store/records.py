"""Writing records, for the server half and for the client half."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiosqlite

from hotspot.clock import Clock
from hotspot.model.stores import RecordTransaction, ReplicaTransaction
from hotspot.store.database import Database
from hotspot.store.part import Part
from hotspot.store.replica import Replica

T = TypeVar("T")


class Records(Part):
    """`RecordStore.write` and `ReplicaStore.write_replica`.

    `on_edit` is called after each commit that accepted edits, or lets rows of a package go up.
    """

    def __init__(self, database: Database, clock: Clock, on_edit: Callable[[], None]) -> None:
        super().__init__(database, clock)
        self._on_edit = on_edit

    async def write(self, work: Callable[[RecordTransaction], Awaitable[T]]) -> T:
        return await self.write_replica(work)

    async def write_replica(self, work: Callable[[ReplicaTransaction], Awaitable[T]]) -> T:
        async def run(connection: aiosqlite.Connection) -> tuple[T, bool]:
            tx = Replica(connection, self._clock.now(), self._clock.guessing_in)
            return await work(tx), tx.edited

        result, _ = await self._database.writer.run(run, committed=self._tell)
        return result

    def _tell(self, committed: tuple[object, bool]) -> None:
        if committed[1]:
            self._on_edit()
