"""Conflicts over HTTP, for devices whose role is 'admin'."""

from aiohttp import web

from hotspot.errors import Forbidden, NotFound
from hotspot.http.auth import authenticate
from hotspot.http.catalogue import whole_number
from hotspot.http.messages import answer, read
from hotspot.model.conflicts import ConflictStore, KeepRequest, KeptQuery, KeptVersions
from hotspot.model.stores import Device, DeviceStore

MAX_LIMIT = 1_000
_MAX_OFFSET = 2**31
_ID_DIGITS = 18
"""More than any number has that the store gives, and few enough for it to read."""


def routes(conflicts: ConflictStore, devices: DeviceStore) -> list[web.RouteDef]:
    """The routes by which a person chooses."""
    handlers = _Conflicts(conflicts, devices)
    return [
        web.get("/functions/v1/conflicts", handlers.list_waiting),
        web.get("/functions/v1/conflicts/{id}", handlers.show),
        web.post("/functions/v1/conflicts/{id}/keep", handlers.keep),
    ]


class _Conflicts:
    def __init__(self, conflicts: ConflictStore, devices: DeviceStore) -> None:
        self._conflicts = conflicts
        self._devices = devices

    async def list_waiting(self, request: web.Request) -> web.StreamResponse:
        await self._admin(request)
        query = KeptQuery(
            waiting=True,
            limit=whole_number(request, "limit", 100, 1, MAX_LIMIT),
            offset=whole_number(request, "offset", 0, 0, _MAX_OFFSET),
        )
        found = await self._conflicts.kept_versions(query)
        return await answer(request, KeptVersions(conflicts=list(found)))

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._admin(request)
        return await answer(request, await self._conflicts.kept_version(_number(request)))

    async def keep(self, request: web.Request) -> web.StreamResponse:
        """Answers with the conflict as it is afterwards."""
        device = await self._admin(request)
        asked = await read(request, KeepRequest)
        number = _number(request)
        await self._conflicts.keep(number, asked.version, device.id)
        return await answer(request, await self._conflicts.kept_version(number))

    async def _admin(self, request: web.Request) -> Device:
        device = await authenticate(request, self._devices)
        if device.role != "admin":
            raise Forbidden("Only a device that was paired with the role 'admin' may decide this.")
        return device


def _number(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS):
        raise NotFound(f"There is no conflict {text[:80]!r} here.")
    return int(text)
