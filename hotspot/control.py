"""The control socket: how the command line talks to the running daemon.

A Unix socket in the data folder that only its owner can open; who can, may do everything.
"""

from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from hotspot.clock import Clock
from hotspot.errors import HotspotError
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY, read
from hotspot.model.wire import ErrorBody
from hotspot.operations import Operations, perform

ASK_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)


def control_app(operations: Operations, clock: Clock) -> web.Application:
    """The application that the daemon serves on its control socket."""

    async def handle(request: web.Request) -> web.Response:
        arguments = await read(request, dict[str, Any])
        result = await perform(operations, request.match_info["operation"], arguments)
        return web.Response(body=msgspec.json.encode(result), content_type="application/json")

    app = web.Application(middlewares=[error_middleware(clock)], client_max_size=MAX_BODY)
    app.router.add_post("/{operation}", handle)
    return app


async def ask(socket: Path, operation: str, arguments: dict[str, Any]) -> Any:
    """Asks the daemon behind `socket`.

    Raises HotspotError with the daemon's sentence, or ConnectionError where no daemon listens.
    """
    connector = aiohttp.UnixConnector(path=str(socket))
    async with aiohttp.ClientSession(connector=connector, timeout=ASK_TIMEOUT) as session:
        try:
            async with session.post(
                f"http://hotspot/{operation}", data=msgspec.json.encode(arguments)
            ) as response:
                body = await response.read()
                status = response.status
        except aiohttp.ClientConnectionError as error:
            raise ConnectionError(str(error)) from None
    if status != 200:
        raise HotspotError(msgspec.json.decode(body, type=ErrorBody).message)
    return msgspec.json.decode(body)
