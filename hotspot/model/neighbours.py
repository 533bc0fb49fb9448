"""Other hotspots near this one, what they offer, and what of it is worth fetching."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hotspot.model.plan import version_of


class Offer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A package that a neighbour says it has."""

    package_id: str
    package_version: str
    size_in_bytes: int
    sha256: str
    complete: bool = True
    language_name: str = ""
    text_version_name: str | None = None
    audio_version_name: str | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        names = dict.fromkeys(filter(None, (self.text_version_name, self.audio_version_name)))
        return " / ".join(names) or self.package_id


class Neighbour(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A hotspot that answered, as it describes itself; nothing of it is proved."""

    id: str
    name: str
    url: str
    packages: tuple[Offer, ...] = ()


class Wanted(msgspec.Struct, frozen=True):
    """A package, and the neighbour that has it."""

    neighbour: Neighbour
    offer: Offer


def named(neighbours: Iterable[Neighbour], name: str) -> Neighbour | None:
    """The neighbour of this id, address or name, or whose id alone begins so."""
    found = list(neighbours)
    exact = [one for one in found if name in (one.id, one.url, one.name)]
    begins = [one for one in found if name and one.id.startswith(name)]
    return exact[0] if exact else begins[0] if len(begins) == 1 else None


def worth_fetching(neighbours: Sequence[Neighbour], held: Mapping[str, str]) -> list[Wanted]:
    """The whole packages that are not here, or here in an older version only; small ones first.

    `held`: the versions of the packages here, by package id. Of each package the newest version.
    """
    best: dict[str, Wanted] = {}
    for neighbour in neighbours:
        for offer in neighbour.packages:
            known = best.get(offer.package_id)
            than = known.offer.package_version if known else held.get(offer.package_id)
            if offer.complete and _newer(offer.package_version, than):
                best[offer.package_id] = Wanted(neighbour, offer)
    return sorted(best.values(), key=lambda one: one.offer.size_in_bytes)


def _newer(version: str, than: str | None) -> bool:
    try:
        found = version_of(version)
        return than is None or found > version_of(than)
    except ValueError:
        return False
