"""Feed positions as the opaque tokens that clients keep.

A token belongs to the epoch of the store that gave it. A store that was restored from a backup, or
begun anew, has another epoch: its positions mean nothing to a token from before.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from contextlib import suppress

import msgspec

from hotspot.errors import PositionGone
from hotspot.model.stores import FeedScope
from hotspot.model.tables import Scope

Part = int | str


def encode(epoch: str, *parts: Part) -> str:
    """The token of the position `parts` in the feed of `epoch`."""
    return urlsafe_b64encode(msgspec.json.encode([epoch, *parts])).decode().rstrip("=")


def decode(epoch: str, token: str, kinds: tuple[type, ...]) -> tuple[Part, ...]:
    """The parts of a token that `encode` made for `epoch`, one of each of `kinds`.

    Raises PositionGone for a token of another epoch, or of none.
    """
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        given, *parts = msgspec.json.decode(urlsafe_b64decode(padded), type=list[Part])
    except (ValueError, msgspec.MsgspecError):
        given, parts = None, []
    if given != epoch or tuple(type(part) for part in parts) != kinds:
        raise PositionGone("This position is not known here any more: start over without it.")
    return tuple(parts)


def named(epoch: str, tokens: Sequence[str]) -> list[int]:
    """The numbers of the transactions that `tokens` name; those of other epochs are passed over."""
    numbers = []
    for token in tokens:
        with suppress(PositionGone):
            (number,) = decode(epoch, token, (int,))
            numbers.append(int(number))
    return numbers


def moved(
    states: Sequence[FeedScope], asked: Collection[tuple[Scope, str | None]]
) -> list[FeedScope]:
    """The states that say more than a client knows who asked with these positions, all of versions
    that it had read to their end."""
    return [
        state
        for state in states
        if state.has_more
        or not state.known
        or state.token is None
        or (state.scope, state.token) not in asked
    ]
