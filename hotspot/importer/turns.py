"""One at a time, and of those who wait the one that is ranked first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from hotspot.model.queueing import Rank


class Turns:
    """A lock whose waiters are served by rank; among equals, in the order in which they came."""

    def __init__(self) -> None:
        self._taken = False
        self._numbers = count()
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, rank: Rank) -> AsyncIterator[None]:
        """Waits for a turn, and has it until the block ends."""
        await self._take(rank)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, rank: Rank) -> None:
        if not self._taken:
            self._taken = True
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            called = heapq.heappop(self._waiting)[2]
            if not called.done():
                called.set_result(None)
                return
        self._taken = False
