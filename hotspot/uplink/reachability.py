"""Whether the upstream can be reached, found out by asking it."""

import asyncio
import logging
import random
from contextlib import aclosing

import aiohttp

from hotspot.errors import PartUnavailable
from hotspot.events import Bus, NetworkChanged, UplinkChanged
from hotspot.model import backoff
from hotspot.uplink import links

log = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10)
SETTLE_S = 1.0
"""A network that comes up changes many times in a row: link, address, routes."""
GATHER_S = 0.05
"""Changes closer together than this are answered by one probe. The kernel tells of some before they
take effect: a probe that is sooner would go out by the route that is about to be gone."""
STALE_S = 0.3
"""A probe that was under way when networks changed may ask in vain; it gets this much more time."""


class Uplink:
    """Probes the upstream at `url`, and publishes UplinkChanged when its answer changes.

    It is asked at the start, when the machine's networks change (at once, and again when they have
    settled), when a request `failed`, and again and again meanwhile: after an error soon, then ever
    more seldom, but always.
    """

    def __init__(self, url: str, bus: Bus, settle_s: float = SETTLE_S) -> None:
        self._probe_url = f"{url.rstrip('/')}/healthz"
        self._bus = bus
        self._settle_s = settle_s
        self._reason = asyncio.Event()
        self._reachable = False

    @property
    def reachable(self) -> bool:
        """Whether the upstream answered when it was last asked."""
        return self._reachable

    def failed(self) -> None:
        """Tells that a request to the upstream got no answer: it is asked again soon."""
        self._reason.set()

    async def run(self) -> None:
        """Watches and probes until cancelled."""
        # On a new connection a missing network shows at once, on an old one after the timeout only.
        connector = aiohttp.TCPConnector(force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._watch_links())
            group.create_task(self._probe_for_ever(session))

    async def _watch_links(self) -> None:
        try:
            async with aclosing(links.changes()) as changes:
                async for _ in changes:
                    self._reason.set()
                    self._bus.publish(NetworkChanged())
        except PartUnavailable as error:
            log.warning("%s The server is looked for from time to time.", error)

    async def _probe_for_ever(self, session: aiohttp.ClientSession) -> None:
        failures, woken = 0, False
        while True:
            self._reason.clear()
            answered = await self._answered(session)
            if answered is not None:
                self._conclude(answered)
                failures = 0 if answered else failures + 1
            woken = await self._woken_within(self._settle_s if woken else _pause(failures))
            if woken:
                failures = 0
                await asyncio.sleep(GATHER_S)

    async def _answered(self, session: aiohttp.ClientSession) -> bool | None:
        """Probes; None where the networks changed meanwhile, and no answer came soon."""
        probe = asyncio.create_task(self._probe(session))
        woken = asyncio.create_task(self._reason.wait())
        try:
            await asyncio.wait({probe, woken}, return_when=asyncio.FIRST_COMPLETED)
            done, _ = await asyncio.wait({probe}, timeout=STALE_S)
            return probe.result() if done else None
        finally:
            for task in (probe, woken):
                task.cancel()
            await asyncio.wait({probe, woken})

    async def _probe(self, session: aiohttp.ClientSession) -> bool:
        """Whether the upstream itself answers: a captive portal answers too, but not like this."""
        try:
            async with session.get(
                self._probe_url, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                return response.status == 200 and response.content_type == "application/json"
        except (aiohttp.ClientError, OSError):
            return False

    def _conclude(self, answered: bool) -> None:
        if answered != self._reachable:
            self._reachable = answered
            log.info("The server %s.", "is reachable" if answered else "is out of reach")
            self._bus.publish(UplinkChanged(answered))

    async def _woken_within(self, seconds: float) -> bool:
        """Waits for a reason to ask again; False when `seconds` passed without one."""
        try:
            async with asyncio.timeout(seconds):
                return await self._reason.wait()
        except TimeoutError:
            return False


def _pause(failures: int) -> float:
    """How long to wait before asking again unasked, in seconds."""
    chance = random.random()
    if failures == 0:
        return backoff.spread(backoff.LONGEST_S, chance)
    return backoff.delay(failures, chance)
