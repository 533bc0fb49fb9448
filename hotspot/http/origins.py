"""Pages that ask: those of every origin may read, and none but our own and apps' may change.

Apps on phones often are pages, of an origin of their own. A page of a stranger reads no more than
what everybody may, whatever name it has for this server.
"""

from collections.abc import Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler

from hotspot.errors import Forbidden
from hotspot.model.origins import own_host, own_origin

OPEN = ("/functions/v1/", "/rest/v1/")
ADMIN = ("/functions/v1/conflicts",)
"""What begins so is for those who decide, also where it is only read."""
READ_BY_POST = ("/functions/v1/sync/changes", "/functions/v1/sync/digest")

_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "accept-profile, apikey, authorization, content-type, "
    "if-none-match, if-range, prefer, range, range-unit, x-client-clock, x-client-info, "
    "x-client-time, x-device-id, x-retry-count",
    "Access-Control-Max-Age": "86400",
}
_SHOWN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, ETag, Retry-After",
}


_Meant = Callable[[web.Request], bool]


def open_to_every_origin(app: web.Application) -> None:
    """Lets pages of any origin ask the paths that begin as OPEN do, and read the answers."""
    _Gate(lambda _request: True).put_before(app)


def open_for_reading(
    app: web.Application, names: Collection[str], origins: Collection[str]
) -> None:
    """Lets pages of any origin read what everybody may.

    Writes, and what is for those who decide, have to come to an address or to one of `names`, and
    from a page of ours, of an app's or of `origins`, or from none.
    """
    own = frozenset(name.lower() for name in names)

    def meant(request: web.Request) -> bool:
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        return _only_reads(request) or (own_host(host, own) and own_origin(origin, host, origins))

    _Gate(meant).put_before(app)


class _Gate:
    """Refuses what was not meant for this server, and tells browsers the same."""

    def __init__(self, meant: _Meant) -> None:
        self._meant = meant

    def put_before(self, app: web.Application) -> None:
        """Has every request of the app pass here."""

        @web.middleware
        async def passes(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        app.middlewares.append(passes)
        app.on_response_prepare.append(self._show)

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        meant = self._meant(request)
        if _is_preflight(request):
            return web.Response(status=204, headers=_ALLOWED if meant else None)
        if not meant:
            raise Forbidden(
                "This was not meant for this server: ask it by its address or a name that its "
                "settings have, and not from the page of another site."
            )
        return await handler(request)

    async def _show(self, request: web.Request, response: web.StreamResponse) -> None:
        if request.path.startswith(OPEN) and self._meant(request):
            response.headers.update(_SHOWN)


def _only_reads(request: web.Request) -> bool:
    """Whether a request, or what a browser asks before it, only reads what everybody may."""
    asked = request.method
    if asked == "OPTIONS":
        asked = request.headers.get("Access-Control-Request-Method", "GET")
    if request.path.startswith(ADMIN):
        return False
    return asked in ("GET", "HEAD") or request.path in READ_BY_POST


def _is_preflight(request: web.Request) -> bool:
    """Whether this is what a browser asks before it lets a page ask."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    return asks and request.path.startswith(OPEN)
