"""What a server notes of who came: whoever shows a token, and what their sessions moved."""

import time
from contextlib import suppress

from aiohttp import web

from hotspot.errors import Forbidden, Unauthorized
from hotspot.http.auth import authenticate
from hotspot.model.downloads import believable
from hotspot.model.fleet import Served, Traffic, Visits
from hotspot.model.records import parse_id
from hotspot.model.stores import Device, DeviceStore, FeedPage
from hotspot.model.wire import ChangesRequest, UploadRequest

SESSION_HEADER = "X-Sync-Session"
"""Names the session of a request whose body says nothing of it: a batch that is sent again in a
later session is the same to the byte."""


REMEMBERED_S = 300.0
"""How long it is remembered whose token a reader showed, for this list alone: reading is open."""
_MOST_REMEMBERED = 20_000
_SHOWN = ("Authorization", "X-Device-ID")


class Attendance:
    """Notes requests; a request without a token, or without a session, is answered all the same."""

    def __init__(self, visits: Visits, devices: DeviceStore) -> None:
        self._visits = visits
        self._devices = devices
        self._remembered: dict[tuple[str, ...], tuple[Device, float]] = {}

    async def served(self, request: web.Request, asked: ChangesRequest, page: FeedPage) -> None:
        """Notes an answer of the feed that is about to be given."""
        device = await self._device(request)
        if device is None:
            return
        all_served = not any(one.has_more for one in page.scopes)
        self._visits.seen(
            device,
            Served(
                positions={one.scope.id: one.token for one in page.scopes if one.token is not None},
                in_step=all_served and asked.record_ids is None,
                report=asked.report,
            ),
        )
        if asked.report is not None and (told := believable(asked.report.downloads)):
            await self._visits.downloaded(device, told)
        session_id = _session(asked.sync_session_id or request.headers.get(SESSION_HEADER))
        ended = asked.session_end and all_served
        if session_id is not None and (page.records or ended):
            moved = Traffic(
                session_id=session_id,
                package_id=asked.package_id,
                downloaded=len(page.records),
                ended=ended,
            )
            await self._visits.moved(device, moved)

    async def uploaded(
        self, request: web.Request, asked: UploadRequest, device: Device, judged: int
    ) -> None:
        """Notes an upload of which `judged` changes were new."""
        self._visits.seen(device, Served())
        session_id = _session(asked.sync_session_id or request.headers.get(SESSION_HEADER))
        if session_id is not None and judged:
            await self._visits.moved(
                device,
                Traffic(session_id=session_id, package_id=asked.package_id, uploaded=judged),
            )

    async def _device(self, request: web.Request) -> Device | None:
        """Who asks; reading needs no token, and a wrong one does no harm."""
        if "Authorization" not in request.headers:
            return None
        shown = tuple(request.headers.get(name, "") for name in _SHOWN)
        device, until = self._remembered.get(shown, (None, 0.0))
        if time.monotonic() < until:
            return device
        self._remembered.pop(shown, None)
        with suppress(Unauthorized, Forbidden):
            device = await authenticate(request, self._devices)
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[shown] = (device, time.monotonic() + REMEMBERED_S)
            return device
        return None


def _session(named: str | None) -> str | None:
    """The id of a session, if it is one."""
    with suppress(ValueError):
        return parse_id(named) if named is not None else None
    return None
