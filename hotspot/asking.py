"""Asks the running daemon; where there is none, opens the store and does it itself."""

from typing import Any

from hotspot.config import Config
from hotspot.control import ask
from hotspot.daemon import open_core
from hotspot.operations import perform


async def ask_or_open(config: Config, operation: str, arguments: dict[str, Any]) -> Any:
    """The result of one operation. Raises HotspotError with a sentence."""
    try:
        return await ask(config.control_socket, operation, arguments)
    except ConnectionError:
        async with open_core(config) as core:
            return await perform(core.operations, operation, arguments)
