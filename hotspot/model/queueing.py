"""In which order packages are imported: what many can use soonest comes first."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from hotspot.model.plan import version_of

Rank = tuple[int, int, str]
"""The smaller one comes first."""

T = TypeVar("T")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A package on a stick that may be imported. `size` in bytes."""

    package_id: str
    version: str
    size: int
    has_audio: bool


def rank(offer: Offer) -> Rank:
    """Texts before audio, and the small before the big: texts are there in seconds, and a gigabyte
    of audio holds nobody up."""
    return (int(offer.has_audio), offer.size, offer.package_id)


def in_order(offers: Sequence[tuple[Offer, T]]) -> list[tuple[Offer, T]]:
    """The offers by rank; of one package the newest version first, so that the others are skipped
    and not copied for nothing."""
    newest: dict[str, tuple[int, ...]] = {}
    for offer, _ in offers:
        version = version_of(offer.version)
        newest[offer.package_id] = max(version, newest.get(offer.package_id, ()))

    def key(pair: tuple[Offer, T]) -> tuple[bool, Rank]:
        offer = pair[0]
        return version_of(offer.version) < newest[offer.package_id], rank(offer)

    return sorted(offers, key=key)
