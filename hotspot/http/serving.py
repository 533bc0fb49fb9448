"""Serving an app on a TCP port or a Unix socket."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from hotspot.clock import Clock, wall
from hotspot.errors import PartUnavailable
from hotspot.http.bodies import LIMITS
from hotspot.http.guarding import Guard, GuardedHandler, answering, connection_options
from hotspot.model.limits import Limits

STALLED_SECONDS = 120
"""How long a peer may take nothing of what is sent to it, or not answer at all."""
_BACKLOG = 1_024
_FILES = 4_096
_SHUTDOWN_SECONDS = 2.5
"""aiohttp waits this long for a request to end, and once more after it has told it to."""


@asynccontextmanager
async def serve(
    app: web.Application,
    host: str,
    port: int,
    *,
    stalled_seconds: int = STALLED_SECONDS,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[int]:
    """Serves `app` on `host` and `port` until the block ends; gives the port that was bound.

    Port 0 is any free one. Requests under way at the end have five seconds. `limits`: what it bears
    of connections, requests and bodies; None for the ordinary ones. `clock`: dates the
    refusals of connections; None for the machine's. Raises PartUnavailable where the address cannot
    be bound.
    """
    guard = Guard(limits or Limits(), clock or wall())
    app[LIMITS] = guard.limits
    app.middlewares.append(answering)
    _allow_files(guard.limits.connections)
    try:
        listening = await _listening(host, port, stalled_seconds)
    except OSError as error:
        raise PartUnavailable(f"Port {port} of {host} cannot be used ({error.strerror}).") from None
    with contextlib.closing(listening):
        async with _running(app) as runner:
            server = await _guarded(runner, guard, listening)
            try:
                yield listening.getsockname()[1]
            finally:
                server.close()


@asynccontextmanager
async def serve_unix(app: web.Application, path: Path) -> AsyncIterator[None]:
    """Serves `app` on the Unix socket `path`, which only this user may connect to.

    A socket that an earlier process left there is replaced. Raises PartUnavailable where it cannot
    be made.
    """
    try:
        listening = await asyncio.to_thread(_listening_unix, path)
    except OSError as error:
        raise PartUnavailable(f"The socket {path} cannot be made ({error}).") from None
    with contextlib.closing(listening):
        async with _running(app) as runner:
            await web.SockSite(runner, listening).start()
            yield
    await asyncio.to_thread(path.unlink, missing_ok=True)


@asynccontextmanager
async def _running(app: web.Application) -> AsyncIterator[web.AppRunner]:
    runner = web.AppRunner(app, shutdown_timeout=_SHUTDOWN_SECONDS, **connection_options())
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


async def _guarded(runner: web.AppRunner, guard: Guard, listening: socket.socket) -> asyncio.Server:
    """Accepts connections, each with a handler that `guard` knows."""
    loop, manager = asyncio.get_running_loop(), runner.server
    assert manager is not None
    return await loop.create_server(
        lambda: GuardedHandler(guard, manager, loop), sock=listening, backlog=_BACKLOG
    )


def _allow_files(connections: int) -> None:
    """Lets this process open a file for each connection that it bears, where the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(_FILES, 2 * connections)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if resource.RLIM_INFINITY != soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _listening(host: str, port: int, stalled_seconds: int) -> socket.socket:
    """A socket whose accepted connections end by themselves when the peer is gone.

    The kernel hands the options on to them. It watches both a peer that vanished (phones walk
    away without a word) and one that stays and takes nothing.
    """
    family, kind, protocol, _, address = (
        await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, stalled_seconds)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stalled_seconds * 1000)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening


def _listening_unix(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.setblocking(False)
        listening.bind(str(path))
        path.chmod(0o600)
    except OSError:
        listening.close()
        raise
    return listening
