"""How often one address or one device may ask."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hotspot.clock import Clock
from hotspot.errors import TooMany, Unauthorized
from hotspot.http.bodies import LIMITS
from hotspot.model.limits import Bucket, Limits, Rate, take

WRONG_TOKEN = 20.0
"""What a request with a token that is not valid costs its address, in ordinary requests."""
_MOST_KEYS = 2_000


class Buckets:
    """What many keys have left of a rate.

    Kept in memory alone, and for a bounded number of keys: those that were quiet longest are
    forgotten first.
    """

    def __init__(self) -> None:
        self._held: dict[str, Bucket] = {}

    def take(self, key: str, rate: Rate, mono_ms: int, cost: float = 1) -> float | None:
        """For how many seconds `key` has to wait with what costs so much; None: not at all."""
        bucket, wait_s = take(self._held.pop(key, None), rate, mono_ms, cost)
        self._held[key] = bucket  # now the last in the dictionary's order
        if len(self._held) > _MOST_KEYS:
            self._held.pop(next(iter(self._held)))
        return wait_s


class Rates:
    """The rates of one app, on the node's monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._addresses = Buckets()
        self._devices = Buckets()

    def asked(self, request: web.Request, cost: float = 1) -> None:
        """Counts a request of its address. Raises TooMany."""
        limits = _limits(request)
        address = plain_address(request.remote)
        if address not in limits.unlimited:
            self._count(self._addresses, address, limits.requests, cost)

    def known(self, request: web.Request, device_id: str) -> None:
        """Counts a request of a device whose token is valid. Raises TooMany."""
        limits = _limits(request)
        if plain_address(request.remote) not in limits.unlimited:
            self._count(self._devices, device_id, limits.writes)

    def _count(self, buckets: Buckets, key: str, rate: Rate, cost: float = 1) -> None:
        wait_s = buckets.take(key, rate, self._clock.monotonic(), cost)
        if wait_s is not None:
            raise TooMany("Too many requests came from here; wait a little.", wait_s)


RATES = web.AppKey("rates", Rates)


def limit_rates(app: web.Application, clock: Clock) -> None:
    """Has the app answer 429 to whoever asks too often."""
    app[RATES] = Rates(clock)
    app.middlewares.append(_counted)


def plain_address(address: str | None) -> str:
    """The address as everybody writes it, also where IPv4 came over an IPv6 socket."""
    return (address or "").removeprefix("::ffff:")


@web.middleware
async def _counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    rates = request.config_dict[RATES]
    rates.asked(request)
    try:
        return await handler(request)
    except Unauthorized:
        rates.asked(request, WRONG_TOKEN)
        raise


def _limits(request: web.Request) -> Limits:
    return request.config_dict.get(LIMITS) or Limits()
