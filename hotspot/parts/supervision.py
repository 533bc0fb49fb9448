"""Keeping parts running that others do not need: a part that fails says so and tries again."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hotspot.errors import HotspotError

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
HEALTHY_AFTER_S = 60.0
"""A part that ran this long before it failed is tried again at once."""


@dataclass(frozen=True, slots=True)
class PartState:
    """How one part is. `sentence`: why it is not running, for a person."""

    running: bool
    sentence: str = ""


class Supervisor:
    """Runs parts until cancelled, and knows how each of them is."""

    def __init__(self) -> None:
        self.states: dict[str, PartState] = {}

    async def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Runs `run` for as long as the process lives, again whenever it ends or fails."""
        wait = FIRST_WAIT_S
        while True:
            self.states[name] = PartState(running=True)
            began = time.monotonic()
            sentence = await _outcome(name, run)
            if time.monotonic() - began > HEALTHY_AFTER_S:
                wait = FIRST_WAIT_S
            self.states[name] = PartState(running=False, sentence=sentence)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)


async def _outcome(name: str, run: Callable[[], Awaitable[None]]) -> str:
    """Runs a part to its end, which should not come; the sentence that says why it came."""
    try:
        await run()
    except HotspotError as error:
        log.warning("%s: %s", name, error)
        return str(error)
    except Exception as error:
        log.exception("%s failed", name)
        return f"It failed unexpectedly ({type(error).__name__}); it is tried again."
    return "It ended; it is started again."
