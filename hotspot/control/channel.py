"""The control socket: how the command line talks to the running daemon.

A Unix socket in the data folder that only its owner can open; who can, may do everything. Where
the card takes no writes, it is in SPARE.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.control.operations import Operations, perform
from hotspot.errors import HotspotError, PartUnavailable
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY, read
from hotspot.http.serving import serve_unix
from hotspot.model.wire import ErrorBody

log = logging.getLogger(__name__)

SPARE = Path("/run/hotspot/control")
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


@asynccontextmanager
async def serve_control(
    operations: Operations, clock: Clock, config: Config, *, spare: bool
) -> AsyncIterator[None]:
    """Answers the command line until the block ends. `spare`: the card takes no writes.

    Then nobody does where no other socket can be made. Raises PartUnavailable for the usual one.
    """
    app, (own, other) = control_app(operations, clock), sockets(config)
    async with AsyncExitStack() as stack:
        if not spare:
            await stack.enter_async_context(serve_unix(app, own))
        else:
            try:
                await asyncio.to_thread(other.parent.mkdir, 0o700, parents=True, exist_ok=True)
                await stack.enter_async_context(serve_unix(app, other))
            except (OSError, PartUnavailable) as error:
                log.warning("The command line cannot ask this hotspot: %s", error)
        yield


def sockets(config: Config) -> tuple[Path, Path]:
    """Where a daemon may answer."""
    spare = sha256(bytes(config.data_dir.absolute())).hexdigest()[:16]
    return config.control_socket, SPARE / f"{spare}.sock"


async def ask_running(config: Config, operation: str, arguments: dict[str, Any]) -> Any:
    """Asks the daemon that has this data folder.

    Raises HotspotError with the daemon's sentence, or ConnectionError where no daemon listens.
    """
    own, spare = sockets(config)
    try:
        return await ask(own, operation, arguments)
    except ConnectionError:
        return await ask(spare, operation, arguments)


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
