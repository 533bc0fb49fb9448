"""The admin code at the start: made at the first, and anew where somebody with the card asks so."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from hotspot.errors import CannotWrite
from hotspot.store.store import HotspotStore

log = logging.getLogger(__name__)

RESET = "reset-admin"
"""A file of this name in the folder asks for another code."""


async def prepare_admin(store: HotspotStore, folder: Path) -> None:
    """Makes the admin code where there is none; another, if `folder` has the file RESET.

    That file is taken away then, and no device stays an admin's. Nothing on a card that takes no
    writes.
    """
    asked = folder / RESET
    with suppress(CannotWrite):
        await store.admin_code()
        if await asyncio.to_thread(asked.is_file):
            await store.reset_admin()
            log.warning("There is another admin code, and no admin any more: %s was found.", asked)
            await asyncio.to_thread(_take_away, asked)


def _take_away(asked: Path) -> None:
    try:
        asked.unlink()
    except OSError as error:
        log.warning("%s cannot be removed (%s): the next start resets again.", asked, error)
