"""Bodies of requests, within what a server bears of size and time."""

import asyncio

from aiohttp import web

from hotspot.errors import TooSlow
from hotspot.model.limits import Limits, body_until

LIMITS = web.AppKey("limits", Limits)
"""What the server of an app bears; `serving.serve` sets it."""


async def read_body(request: web.Request) -> bytes:
    """The request's body, as it was sent.

    Raises HTTPRequestEntityTooLarge as soon as it is known to be too large, TooSlow where it does
    not come on, and RequestPayloadError or ConnectionError where it is cut off.
    """
    limits = request.config_dict.get(LIMITS) or Limits()
    most = request.client_max_size
    _refuse_over(most, request.content_length or 0)
    body = bytearray()
    began = asyncio.get_running_loop().time()
    try:
        while chunk := await _next(request, body_until(limits, began, len(body))):
            body += chunk
            _refuse_over(most, len(body))
    except TimeoutError:
        raise TooSlow("The request's body came too slowly: send it in smaller parts.") from None
    return bytes(body)


async def _next(request: web.Request, until: float) -> bytes:
    """The next piece, empty at the end. Raises TimeoutError, and ConnectionError where none is."""
    if request.transport is None:
        raise ConnectionResetError("The sender is gone.")
    async with asyncio.timeout_at(until):
        return await request.content.readany()


def _refuse_over(most: int, size: int) -> None:
    if size > most:
        raise web.HTTPRequestEntityTooLarge(most, size)
