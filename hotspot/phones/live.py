"""`/functions/v1/events`: whoever listens is told how things are, and again whenever that changes.

A listener is told states and not happenings: what happens while it is slow to read is put together,
so that for each listener no more is held than which topics it has to be told anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from hotspot.errors import TooMany
from hotspot.events import (
    Bus,
    CatalogueChanged,
    Event,
    ImportFinished,
    ImportProgress,
    LocalEdit,
    SticksChanged,
    SyncFinished,
    SyncStarted,
    UplinkChanged,
)
from hotspot.http.ranges import Range
from hotspot.http.traffic import note_sent
from hotspot.model.notices import (
    HEARTBEAT,
    CatalogueNotice,
    Notice,
    Topic,
    format_event,
    retry,
)

MOST = 64
MOST_OF_ONE = 4
"""Listeners in all, and of one address."""
PATH = "/functions/v1/events"
TOO_MANY_WAIT_S = 60.0
COME_BACK_S = 5
HEARTBEAT_S = 15.0
"""With each it is looked whether anything is otherwise that no event told of."""
GATHER_S = 0.25
"""After a change it is waited so long for more."""
PATIENCE_S = 20.0
"""A listener that takes nothing for so long is dropped; it comes back when it can."""

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy that gathers answers would keep events to itself
}

Look = Callable[[], Awaitable[Notice]]
"""Tells how a topic is now."""

_ABOUT: Mapping[type[Event], frozenset[Topic]] = {
    ImportProgress: frozenset({Topic.IMPORTS}),
    ImportFinished: frozenset({Topic.IMPORTS}),
    CatalogueChanged: frozenset({Topic.CATALOGUE, Topic.IMPORTS}),
    SticksChanged: frozenset({Topic.STICKS}),
    LocalEdit: frozenset({Topic.SYNC, Topic.CONFLICTS}),
    UplinkChanged: frozenset({Topic.SYNC}),
    SyncStarted: frozenset({Topic.SYNC, Topic.STICKS}),
    SyncFinished: frozenset({Topic.SYNC, Topic.STICKS, Topic.CONFLICTS}),
}


@dataclass(eq=False, slots=True)
class _Listener:
    """One that is connected. `due`: what it has to be told; `told`: what it was told last."""

    request: web.Request
    due: set[Topic]
    told: dict[Topic, Notice]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0

    @property
    def gone(self) -> bool:
        return self.request.transport is None


class Live:
    """The listeners of one hotspot. `looks`: how each topic is asked for."""

    def __init__(
        self,
        looks: Mapping[Topic, Look],
        *,
        patience_s: float = PATIENCE_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._looks = looks
        self._patience_s = patience_s
        self._heartbeat_s = heartbeat_s
        self._listeners: set[_Listener] = set()
        self._closing = False

    @property
    def listening(self) -> int:
        """How many are being told."""
        return len(self._listeners)

    def mount(self, app: web.Application) -> None:
        """Adds the route; whoever listens is sent away when the app ends."""
        app.add_routes([web.get(PATH, self._answer, allow_head=False)])
        app.on_shutdown.append(self._close)

    async def run(self, bus: Bus) -> None:
        """Passes on what happens until cancelled."""
        with bus.listen(*_ABOUT) as events:
            async for event in events:
                for listener in self._listeners:
                    listener.due |= _ABOUT[type(event)]
                    listener.wake.set()

    async def _close(self, _app: web.Application) -> None:
        self._closing = True
        for listener in self._listeners:
            listener.wake.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Tells until either side goes. Raises TooMany."""
        self._make_sure_of_room(request.remote)
        seen = request.headers.get("Last-Event-ID")
        told: dict[Topic, Notice] = {}
        if seen is not None:
            told[Topic.CATALOGUE] = CatalogueNotice(revision=seen)
        listener = _Listener(request, set(self._looks), told)
        response = web.StreamResponse(headers=_HEADERS)
        self._listeners.add(listener)
        try:
            await response.prepare(request)
            await self._tell(response, listener)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._listeners.remove(listener)
            note_sent(request, Range(0, listener.sent))
        return response

    def _make_sure_of_room(self, address: str | None) -> None:
        there = [one for one in self._listeners if not one.gone]
        of_one = sum(one.request.remote == address for one in there)
        if len(there) >= MOST or of_one >= MOST_OF_ONE:
            raise TooMany("Too many listen already; ask now and then instead.", TOO_MANY_WAIT_S)

    async def _tell(self, response: web.StreamResponse, listener: _Listener) -> None:
        await self._write(response, listener, retry(COME_BACK_S))
        while not self._closing:
            due, listener.due = listener.due, set()
            for topic in sorted(due):
                notice = await self._looks[topic]()
                if listener.told.get(topic) != notice:
                    listener.told[topic] = notice
                    await self._write(response, listener, _event(topic, notice))
            await asyncio.sleep(GATHER_S)
            if not await self._woken(listener):
                await self._write(response, listener, HEARTBEAT)
                listener.due |= self._looks.keys()

    async def _woken(self, listener: _Listener) -> bool:
        """Waits until there is something to tell; False where nothing came for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._heartbeat_s):
                await listener.wake.wait()
        woken = listener.wake.is_set()
        listener.wake.clear()
        return woken

    async def _write(self, response: web.StreamResponse, listener: _Listener, data: bytes) -> None:
        """Raises TimeoutError where the listener takes nothing any more."""
        async with asyncio.timeout(self._patience_s):
            await response.write(data)
        listener.sent += len(data)


def _event(topic: Topic, notice: Notice) -> bytes:
    event_id = notice.revision if isinstance(notice, CatalogueNotice) else None
    return format_event(topic, notice, event_id)
