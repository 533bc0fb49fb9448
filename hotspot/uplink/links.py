"""Noticing that something about this machine's networks has changed."""

import asyncio
import errno
import socket
from collections.abc import AsyncGenerator

from hotspot.errors import PartUnavailable

_LINK, _IPV4_ADDRESS, _IPV4_ROUTE, _IPV6_ADDRESS, _IPV6_ROUTE = 0x1, 0x10, 0x40, 0x100, 0x400
GROUPS = _LINK | _IPV4_ADDRESS | _IPV4_ROUTE | _IPV6_ADDRESS | _IPV6_ROUTE
_MESSAGE_BYTES = 65536


async def changes() -> AsyncGenerator[None, None]:
    """Yields after links, addresses or routes have changed; several changes may count as one.

    The kernel's messages are not read, only heard: what counts is whether the upstream answers.
    Raises PartUnavailable where the kernel does not tell of its networks.
    """
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    with _listen() as kernel:
        loop.add_reader(kernel, _drain, kernel, changed)
        try:
            while True:
                await changed.wait()
                changed.clear()
                yield
        finally:
            loop.remove_reader(kernel)


def _listen() -> socket.socket:
    try:
        kernel = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
    except OSError as error:
        raise PartUnavailable(f"Networks cannot be watched ({error.strerror}).") from None
    try:
        kernel.bind((0, GROUPS))
    except OSError as error:
        kernel.close()
        raise PartUnavailable(f"Networks cannot be watched ({error.strerror}).") from None
    return kernel


def _drain(kernel: socket.socket, changed: asyncio.Event) -> None:
    """Takes all messages; lost ones (ENOBUFS) are changes too."""
    changed.set()
    while True:
        try:
            kernel.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
