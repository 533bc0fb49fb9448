"""Apps that run in a browser's view: pages of every origin may ask.

Nothing is trusted for where it comes from: reading is open to all, and uploads carry a token that
pages of other origins do not have. Apps on phones often are pages, of an origin of their own.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

OPEN = ("/functions/v1/", "/rest/v1/")

_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "accept-profile, apikey, authorization, content-type, "
    "if-range, prefer, range, range-unit, x-client-clock, x-client-info, x-client-time, "
    "x-device-id, x-retry-count",
    "Access-Control-Max-Age": "86400",
}
_SHOWN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, ETag, Retry-After",
}


def open_to_every_origin(app: web.Application) -> None:
    """Lets pages of any origin ask the paths that begin as OPEN do, and read the answers."""
    app.middlewares.append(_preflight)
    app.on_response_prepare.append(_show)


@web.middleware
async def _preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a browser asks before it lets a page ask."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if asks and request.path.startswith(OPEN):
        return web.Response(status=204, headers=_ALLOWED)
    return await handler(request)


async def _show(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith(OPEN):
        response.headers.update(_SHOWN)
