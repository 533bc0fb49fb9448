"""What every side of the store stands on."""

from collections.abc import Sequence
from typing import Any

import aiosqlite

from hotspot.clock import Clock
from hotspot.store.database import Database


class Part:
    """One side of the store: a few methods over the same database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def _execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Commits one statement."""

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(sql, parameters)

        await self._database.writer.run(work)
