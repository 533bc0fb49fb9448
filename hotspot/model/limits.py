"""How much one device or address may ask of a server, so that all others are served too."""

from collections import Counter
from collections.abc import Collection, Iterable

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """`burst` at once, and `per_second` from then on."""

    burst: float
    per_second: float


class Bucket(msgspec.Struct, frozen=True):
    """What one key has left of a rate: `level` at `mono_ms` (monotonic)."""

    level: float
    mono_ms: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a server bears.

    `connections`: in all; `per_address`: of one address. `requests`: of one address; `writes`: of
    one token. `unlimited`: addresses that none of these hold for; on them stands whoever is on the
    machine already, such as a proxy that has limits of its own.
    `head_bytes`, `head_s`: what a request's line and headers may take.
    `body_s`, `body_rate`: a body may take so long, and a second more for each `body_rate` bytes
    of it that came.
    """

    connections: int = 600
    per_address: int = 64
    requests: Rate = Rate(1_000, 100)
    writes: Rate = Rate(200, 20)
    unlimited: Collection[str] = frozenset({"127.0.0.1", "::1"})
    head_bytes: int = 32 * 1024
    head_s: float = 15.0
    body_s: float = 15.0
    body_rate: int = 2_048


class Open(msgspec.Struct, frozen=True):
    """A connection: its number (later ones have higher), whose it is, whether a request on it is
    being answered, and since when it is as it is (monotonic seconds)."""

    number: int
    address: str
    answering: bool
    since: float


def take(
    bucket: Bucket | None, rate: Rate, mono_ms: int, cost: float = 1
) -> tuple[Bucket, float | None]:
    """The bucket after something that costs `cost`, and for how many seconds to wait with it.

    None: it may be done now. What may not be done costs nothing.
    """
    level = rate.burst if bucket is None else _refilled(bucket, rate, mono_ms)
    if level >= cost:
        return Bucket(level - cost, mono_ms), None
    return Bucket(level, mono_ms), (cost - level) / rate.per_second


def _refilled(bucket: Bucket, rate: Rate, mono_ms: int) -> float:
    passed_s = max(mono_ms - bucket.mono_ms, 0) / 1_000
    return min(bucket.level + passed_s * rate.per_second, rate.burst)


def body_until(limits: Limits, began: float, received: int) -> float:
    """By when the next bytes of a body have to be there (monotonic seconds, as `began` is)."""
    return began + limits.body_s + received / limits.body_rate


def makes_room(connections: Iterable[Open], newcomer: str) -> Open | None:
    """Which connection is closed for one more of the address `newcomer`; None: the new one.

    One of the address that has most: the one that has waited longest there, and the newest where
    every one is being answered. Who has no more than the newcomer's address keeps what it has.
    """
    everyone = list(connections)
    had = Counter(one.address for one in everyone)
    most = max(had.values(), default=0)
    if most <= had[newcomer]:
        own = [one for one in everyone if one.address == newcomer and not one.answering]
        return min(own, key=lambda one: one.since, default=None)
    theirs = [one for one in everyone if had[one.address] == most]
    waiting = [one for one in theirs if not one.answering]
    if waiting:
        return min(waiting, key=lambda one: one.since)
    return max(theirs, key=lambda one: one.number)
