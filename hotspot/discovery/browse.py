"""Finding other hotspots on the local network by multicast DNS."""

import asyncio
from collections.abc import Mapping

import msgspec
from zeroconf import DNSQuestionType, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from hotspot.discovery import services
from hotspot.errors import PartUnavailable

ANSWER_WITHIN_MS = 2000
ALOUD = DNSQuestionType.QM
"""Answers to everybody: an answer to us alone may reach another process that shares our port."""


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """A service on the local network, as it describes itself; nothing of it is proved."""

    name: str
    host: str
    port: int
    addresses: tuple[str, ...]
    properties: Mapping[str, str]


async def find(service_type: str = services.HOTSPOT, seconds: float = 3.0) -> list[Neighbour]:
    """The services of a type that answer within `seconds`, by name.

    Raises PartUnavailable where there is no network, or no multicast.
    """
    try:
        zeroconf = AsyncZeroconf(ip_version=IPVersion.V4Only)
    except (OSError, RuntimeError) as error:
        raise PartUnavailable(f"Nobody can be found: there is no multicast ({error}).") from None
    async with zeroconf:
        names = await _names(zeroconf, service_type, seconds)
        found = await asyncio.gather(*(_ask(zeroconf, service_type, name) for name in names))
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


async def _names(zeroconf: AsyncZeroconf, service_type: str, seconds: float) -> set[str]:
    names: set[str] = set()

    def hear(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Removed:
            names.discard(name)
        else:
            names.add(name)

    async with AsyncServiceBrowser(
        zeroconf.zeroconf, service_type, handlers=[hear], question_type=ALOUD
    ):
        await asyncio.sleep(seconds)
    return names


async def _ask(zeroconf: AsyncZeroconf, service_type: str, name: str) -> Neighbour | None:
    info = AsyncServiceInfo(service_type, name)
    if not await info.async_request(zeroconf.zeroconf, ANSWER_WITHIN_MS, ALOUD):
        return None
    return Neighbour(
        name=name.removesuffix(f".{service_type}"),
        host=(info.server or "").rstrip("."),
        port=info.port or 0,
        addresses=tuple(info.parsed_addresses(IPVersion.V4Only)),
        properties={_text(key): _text(value or b"") for key, value in info.properties.items()},
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
