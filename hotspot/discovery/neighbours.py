"""What the hotspots near this one offer, asked of each of them."""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
import msgspec

from hotspot.discovery import browse
from hotspot.model.neighbours import Neighbour, Offer

log = logging.getLogger(__name__)

LISTEN_S = 2.0
MOST = 16
"""Neighbours that are asked."""
MOST_ADDRESSES = 3
LISTED = 100
"""Packages of one neighbour."""
MOST_BYTES = 1_000_000
TIMEOUT = aiohttp.ClientTimeout(total=5)

Find = Callable[[], Awaitable[Sequence[browse.Neighbour]]]


async def listen() -> Sequence[browse.Neighbour]:
    """The hotspots that answer within LISTEN_S."""
    return await browse.find(seconds=LISTEN_S)


class _Catalogue(msgspec.Struct):
    packages: list[Offer]


class Neighbourhood:
    """The hotspots near this one. `own_id`: this one's."""

    def __init__(self, session: aiohttp.ClientSession, own_id: str, find: Find = listen) -> None:
        self._session = session
        self._own_id = own_id
        self._find = find
        self.known: tuple[Neighbour, ...] = ()

    async def look(self) -> tuple[Neighbour, ...]:
        """Those that answer now, by name. Raises PartUnavailable where nobody can be found."""
        others = {one.properties.get("id", ""): one for one in await self._find()}
        asked = [(id_, one) for id_, one in others.items() if id_ not in ("", self._own_id)]
        answered = await asyncio.gather(*(self._ask(id_, one) for id_, one in asked[:MOST]))
        self.known = tuple(one for one in answered if one is not None)
        return self.known

    async def _ask(self, id_: str, found: browse.Neighbour) -> Neighbour | None:
        for address in filter(_is_elsewhere, found.addresses[:MOST_ADDRESSES]):
            url = f"http://{address}:{found.port}"
            try:
                packages = await self._catalogue(url)
            except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
                log.info("%s did not answer (%s).", url, type(error).__name__)
                continue
            return Neighbour(id=id_, name=found.name, url=url, packages=packages)
        return None

    async def _catalogue(self, url: str) -> tuple[Offer, ...]:
        asked = f"{url}/functions/v1/packages?limit={LISTED}"
        async with self._session.get(asked, timeout=TIMEOUT, allow_redirects=False) as response:
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise aiohttp.ClientPayloadError("the catalogue is too long")
        return tuple(msgspec.json.decode(body, type=_Catalogue).packages[:LISTED])


def _is_elsewhere(address: str) -> bool:
    """Whether an address can be another machine's: strangers may announce any."""
    ip = ipaddress.ip_address(address)
    return not (ip.is_loopback or ip.is_multicast or ip.is_unspecified)
