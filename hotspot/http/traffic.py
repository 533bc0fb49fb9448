"""Counting what is answered, and a line for each in the log where that is wanted.

Neither has addresses, tokens, or anything of a request but its method and its route.
"""

import logging
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hotspot.http.ranges import Range
from hotspot.model.traffic import Traffic, answered

log = logging.getLogger(__name__)

TRAFFIC = web.AppKey("traffic", Traffic)
_SENT = web.RequestKey("sent", Range)
_CLIENT_GONE = 499


def note_sent(request: web.Request, part: Range) -> None:
    """Notes which bytes of what it is about went out by another way than the response's own."""
    request[_SENT] = part


def sent(request: web.Request) -> Range:
    """What was noted of a request; no bytes where nothing was."""
    noted: Range = request.get(_SENT, Range(0, 0))
    return noted


def watch(app: web.Application, traffic: Traffic, *, log_each: bool = False) -> None:
    """Counts the app's answers, as they are when everything else has had its part in them."""
    app[TRAFFIC] = traffic
    app.middlewares.insert(0, _watching(traffic, log_each=log_each))


def _watching(traffic: Traffic, *, log_each: bool) -> Middleware:

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began, status, size = perf_counter(), _CLIENT_GONE, 0
        try:
            response = await handler(request)
            status, size = response.status, _size(request, response)
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            resource = request.match_info.route.resource
            shape = resource.canonical if resource is not None else None
            one = answered(request.method, shape, status, size, perf_counter() - began)
            traffic.add(one)
            if log_each:
                log.info("%s", one.line())

    return middleware


def _size(request: web.Request, response: web.StreamResponse) -> int:
    """Bytes of the answer's body."""
    if noted := sent(request).size:
        return noted
    whole = isinstance(response, web.Response) and request.method != "HEAD"
    return (response.content_length or 0) if whole else 0
