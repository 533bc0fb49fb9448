"""Announcing this hotspot by multicast DNS, so that phones and neighbours find it unasked."""

import asyncio
import ipaddress
import logging
from types import TracebackType
from typing import Self

import ifaddr
from zeroconf import Error, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from hotspot.discovery import services
from hotspot.errors import PartUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0


class Advertiser:
    """Announces the hotspot on every network of this machine while its block lasts.

    Networks that come and go meanwhile are followed. `identity` tells hotspots apart that bear the
    same `name`. Entering raises PartUnavailable where there is no network, or no multicast.
    """

    def __init__(
        self, name: str, port: int, identity: str, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._name = services.instance_name(name)
        self._port = port
        self._identity = identity
        self._look_every_s = look_every_s
        self._zeroconf: AsyncZeroconf | None = None
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

    async def _follow(self, announced: list[str]) -> None:
        """Announces anew whenever this machine has other addresses than before."""
        while True:
            await asyncio.sleep(self._look_every_s)
            addresses = await asyncio.to_thread(usable_addresses)
            if addresses == announced:
                continue
            await self._retract()
            try:
                await self._announce(addresses)
                announced = addresses
            except PartUnavailable as error:
                announced = []
                log.warning("%s", error)

    async def _announce(self, addresses: list[str]) -> None:
        if not addresses:
            raise PartUnavailable("Nobody can find this hotspot: it is on no network.")
        try:
            self._zeroconf = AsyncZeroconf(interfaces=list(addresses), ip_version=IPVersion.V4Only)
            infos = [self._info(service, addresses) for service in services.ANNOUNCED]
            await asyncio.gather(*(_register(self._zeroconf, info) for info in infos))
        except (OSError, RuntimeError, Error) as error:
            await self._retract()
            raise PartUnavailable(
                f"Nobody can find this hotspot: multicast does not work here ({error})."
            ) from None

    def _info(self, service: str, addresses: list[str]) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            service,
            f"{self._name}.{service}",
            port=self._port,
            parsed_addresses=addresses,
            server=f"{services.host_name(self._identity)}.",
            properties={
                "id": self._identity,
                "protovers": services.PROTOCOL_VERSION,
                "path": "/",
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
