"""Announcing this hotspot by multicast DNS, so that phones and neighbours find it unasked."""

import asyncio
import ipaddress
import logging
from contextlib import suppress
from types import TracebackType
from typing import Self

import ifaddr
from zeroconf import Error, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from hotspot.discovery import services
from hotspot.errors import PartUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
SETTLE_S = 0.2
"""A network that comes up changes many times in a row: link, addresses, routes."""


class Advertiser:
    """Announces the hotspot on every network of this machine while its block lasts.

    Networks that come and go meanwhile are followed. `identity` tells hotspots apart that bear the
    same `name`; `revision` names the state of the catalogue. Entering raises PartUnavailable where
    there is no network, or no multicast.
    """

    def __init__(
        self,
        name: str,
        port: int,
        identity: str,
        revision: str = "",
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._name = services.instance_name(name)
        self._port = port
        self._identity = identity
        self._look_every_s = look_every_s
        self._revision = revision
        self._zeroconf: AsyncZeroconf | None = None
        self._infos: list[AsyncServiceInfo] = []
        self._turn = asyncio.Lock()
        self._networks_changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        addresses = await asyncio.to_thread(usable_addresses)
        await self._announce(addresses)
        self._following = asyncio.create_task(self._follow(addresses))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._following is not None
        self._following.cancel()
        await asyncio.wait([self._following])
        await self._retract()

    def networks_changed(self) -> None:
        """Tells that something about this machine's networks changed: it looks at once."""
        self._networks_changed.set()

    async def catalogue_changed(self, revision: str) -> None:
        """Tells everybody of another state of the catalogue."""
        async with self._turn:
            self._revision = revision
            if self._zeroconf is None:
                return
            self._infos = [self._like(info) for info in self._infos]
            for info in self._infos:
                await (await self._zeroconf.async_update_service(info))

    async def _follow(self, announced: list[str]) -> None:
        """Announces anew whenever this machine has other addresses than before."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_every_s):
                    await self._networks_changed.wait()
                    await asyncio.sleep(SETTLE_S)
            self._networks_changed.clear()
            addresses = await asyncio.to_thread(usable_addresses)
            if addresses != announced:
                announced = await self._announce_anew(addresses)

    async def _announce_anew(self, addresses: list[str]) -> list[str]:
        """Returns the addresses that are announced: none where that cannot be."""
        async with self._turn:
            await self._retract()
            try:
                await self._announce(addresses)
            except PartUnavailable as error:
                log.warning("%s", error)
                return []
            return addresses

    async def _announce(self, addresses: list[str]) -> None:
        if not addresses:
            raise PartUnavailable("Nobody can find this hotspot: it is on no network.")
        try:
            self._zeroconf = AsyncZeroconf(interfaces=list(addresses), ip_version=IPVersion.V4Only)
            self._infos = [
                self._info(service, f"{self._name}.{service}", addresses)
                for service in services.ANNOUNCED
            ]
            await asyncio.gather(*(_register(self._zeroconf, info) for info in self._infos))
        except (OSError, RuntimeError, Error) as error:
            await self._retract()
            raise PartUnavailable(
                f"Nobody can find this hotspot: multicast does not work here ({error})."
            ) from None

    def _like(self, info: AsyncServiceInfo) -> AsyncServiceInfo:
        """The same service as it is now, by the name that it got."""
        return self._info(info.type, info.name, info.parsed_addresses(IPVersion.V4Only))

    def _info(self, service: str, name: str, addresses: list[str]) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            service,
            name,
            port=self._port,
            parsed_addresses=addresses,
            server=f"{services.host_name(self._identity)}.",
            properties={
                "id": self._identity,
                "protovers": services.PROTOCOL_VERSION,
                "path": "/",
                "rev": self._revision,
            },
        )

    async def _retract(self) -> None:
        """Says goodbye on every network, so that nobody goes on offering what is gone."""
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is not None:
            await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()


async def _register(zeroconf: AsyncZeroconf, info: AsyncServiceInfo) -> None:
    """Takes a name that is free, and announces it."""
    announced = await zeroconf.async_register_service(info, allow_name_change=True)
    await announced


def usable_addresses() -> list[str]:
    """The IPv4 addresses under which others can reach this machine. Blocking."""
    found = {str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4}
    return sorted(address for address in found if not ipaddress.ip_address(address).is_loopback)
