"""Asks the running daemon; where there is none, opens the store and does it itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from hotspot.config import Config
from hotspot.control.channel import ask_running
from hotspot.control.operations import perform
from hotspot.daemon import open_core

Ask = Callable[[str, dict[str, Any]], Coroutine[Any, Any, Any]]
"""Performs an operation with these arguments."""


def ask(settings: Config, operation: str, **arguments: Any) -> Any:
    """The operation's result: from the running daemon, or from the store itself."""
    return asyncio.run(ask_or_open(settings, operation, arguments))


async def ask_or_open(config: Config, operation: str, arguments: dict[str, Any]) -> Any:
    """The result of one operation. Raises HotspotError with a sentence."""
    try:
        return await ask_running(config, operation, arguments)
    except ConnectionError:
        async with open_core(config) as core:
            return await perform(core.operations, operation, arguments)


@asynccontextmanager
async def asker(config: Config) -> AsyncIterator[Ask]:
    """Asks the same one several things: the daemon, or the store, open until the block ends."""
    try:
        await ask_running(config, "importing", {})
    except ConnectionError:
        async with open_core(config) as core:
            yield lambda operation, arguments: perform(core.operations, operation, arguments)
    else:
        yield lambda operation, arguments: ask_running(config, operation, arguments)
