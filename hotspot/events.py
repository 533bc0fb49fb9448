"""What parts tell each other: one typed in-process bus, nothing that must survive power loss."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


@dataclass(frozen=True, slots=True)
class ImportProgress(Event):
    """A package is being imported: `done` of `total` bytes are copied.

    `phase`: 'copying' or 'checking'. `rate` in bytes per second, `left_s` in seconds, both None
    while they are not known. `job`: by which number the import can be stopped.
    """

    source: str
    done: int
    total: int
    phase: str = "copying"
    rate: float | None = None
    left_s: float | None = None
    job: int = 0


@dataclass(frozen=True, slots=True)
class ImportFinished(Event):
    """One file of a stick is dealt with. `outcome` is a word of `model.plan.ImportAction`."""

    source: str
    outcome: str
    sentence: str
    package_id: str | None = None


@dataclass(frozen=True, slots=True)
class SticksChanged(Event):
    """A stick came, went, or fares otherwise than before."""


@dataclass(frozen=True, slots=True)
class CatalogueChanged(Event):
    """A package was published or removed."""


@dataclass(frozen=True, slots=True)
class LocalEdit(Event):
    """A record was edited here, and waits for the upstream."""


@dataclass(frozen=True, slots=True)
class UplinkChanged(Event):
    """The upstream became reachable, or stopped being so."""

    reachable: bool


@dataclass(frozen=True, slots=True)
class NetworkChanged(Event):
    """Something about this machine's networks changed; what failed before may work now."""


@dataclass(frozen=True, slots=True)
class SyncStarted(Event):
    """A session with the upstream began."""


@dataclass(frozen=True, slots=True)
class SyncFinished(Event):
    """A session with the upstream ended."""

    success: bool
    uploaded: int
    downloaded: int
    sentence: str


class Subscription:
    """The events of one listener, in order; iterate over it, or take with `next`."""

    def __init__(self, wanted: tuple[type[Event], ...]) -> None:
        self.wanted = wanted
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    async def next(self) -> Event:
        """The next event; waits for it."""
        return await self.queue.get()

    def waiting(self) -> list[Event]:
        """Takes the events that wait; never waits for one."""
        return [self.queue.get_nowait() for _ in range(self.queue.qsize())]

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.queue.get()


class Bus:
    """Delivers every published event to every listener that asked for its type."""

    def __init__(self) -> None:
        self._listeners: list[Subscription] = []

    def publish(self, event: Event) -> None:
        """Hands `event` to the listeners; never waits."""
        for listener in self._listeners:
            if isinstance(event, listener.wanted):
                listener.queue.put_nowait(event)

    @contextmanager
    def listen(self, *wanted: type[Event]) -> Iterator[Subscription]:
        """A subscription to events of the types `wanted`, until the block ends."""
        listener = Subscription(wanted)
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)
