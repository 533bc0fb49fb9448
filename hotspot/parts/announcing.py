"""Being found on the local network, whatever becomes of its addresses and of the catalogue."""

import asyncio
import logging
from typing import Protocol

from hotspot.discovery.advertise import Advertiser
from hotspot.errors import PartUnavailable
from hotspot.events import Bus, CatalogueChanged
from hotspot.uplink import links

log = logging.getLogger(__name__)

GATHER_S = 0.5
"""Packages of one stick change the catalogue one after another; a word about all is enough."""


class Catalogue(Protocol):
    """What is announced of the store."""

    @property
    def epoch(self) -> str:
        """Tells this hotspot from others."""

    @property
    def catalogue_revision(self) -> str:
        """Names the catalogue's state: the epoch and, behind a dot, a number."""


async def announce(name: str, port: int, store: Catalogue, bus: Bus) -> None:
    """Announces the hotspot until cancelled.

    Raises PartUnavailable where there is no network, or no multicast.
    """
    advertiser = Advertiser(name, port, store.epoch, _revision(store))
    async with advertiser, asyncio.TaskGroup() as group:
        group.create_task(_follow_networks(advertiser))
        group.create_task(_follow_catalogue(advertiser, store, bus))


def _revision(store: Catalogue) -> str:
    return store.catalogue_revision.rpartition(".")[2]


async def _follow_networks(advertiser: Advertiser) -> None:
    try:
        async for _ in links.changes():
            advertiser.networks_changed()
    except PartUnavailable as error:
        log.warning("%s The hotspot looks for new addresses now and then.", error)


async def _follow_catalogue(advertiser: Advertiser, store: Catalogue, bus: Bus) -> None:
    with bus.listen(CatalogueChanged) as events:
        while True:
            await events.next()
            await asyncio.sleep(GATHER_S)
            events.waiting()
            await advertiser.catalogue_changed(_revision(store))
