"""People who come to an address that has no page: they get one, and programs get their JSON."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from hotspot.phones.pages import html
from hotspot.phones.views import problem_page

_KEPT = ("Allow", "Retry-After", "X-Request-ID")


class _Told(msgspec.Struct):
    message: str


@web.middleware
async def pages_for_people(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Shows errors as pages to browsers that go to an address; they alone ask for HTML."""
    response = await handler(request)
    if response.status < 400 or "text/html" not in request.headers.get("Accept", ""):
        return response
    if not isinstance(response, web.Response) or response.content_type != "application/json":
        return response
    if not isinstance(response.body, bytes):
        return response
    told = msgspec.json.decode(response.body, type=_Told)
    shown = html(problem_page(told.message), response.status)
    shown.headers.update({k: v for k, v in response.headers.items() if k in _KEPT})
    return shown
