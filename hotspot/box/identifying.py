"""A hotspot is bound to its machine before anything else sees it."""

import asyncio
import logging
from dataclasses import replace

from hotspot.box.machine import machine_id
from hotspot.config import Config
from hotspot.errors import CannotWrite
from hotspot.http.auth import hash_token
from hotspot.store.store import HotspotStore

log = logging.getLogger(__name__)


async def bound(config: Config, store: HotspotStore) -> Config:
    """The settings as this hotspot may use them: without a token that belongs to another one."""
    token = config.upstream_token
    machine = await asyncio.to_thread(machine_id, config.machine_files)
    try:
        may_use = await store.bind(machine, None if token is None else hash_token(token))
    except CannotWrite as error:
        log.warning("It cannot be kept on which machine this is: %s", error)
        return config
    if store.copied is not None:
        log.warning("%s", store.copied)
    return config if may_use else replace(config, upstream_token=None)
