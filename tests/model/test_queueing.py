"""Texts first, then audio, the small before the big; of one package the newest version."""

from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.plan import version_of
from hotspot.model.queueing import Offer, in_order

OFFERS = st.builds(
    Offer,
    package_id=st.sampled_from("abc"),
    version=st.sampled_from(["1", "1.0", "1.9", "1.10", "2"]),
    size=st.integers(0, 9),
    has_audio=st.booleans(),
)


def offer(name: str, size: int, *, audio: bool = False, version: str = "1") -> Offer:
    return Offer(package_id=name, version=version, size=size, has_audio=audio)


def test_small_texts_come_before_gigabytes_of_audio() -> None:
    offers = [
        offer("sung", 10**9, audio=True),
        offer("long", 10**7),
        offer("psalm", 10**5, audio=True),
        offer("short", 10**6),
    ]
    found = [one.package_id for one, _ in in_order([(one, None) for one in offers])]
    assert found == ["short", "long", "psalm", "sung"]


@given(st.lists(OFFERS, max_size=12))
def test_every_offer_has_its_place(offers: list[Offer]) -> None:
    ordered = [one for one, _ in in_order([(one, object()) for one in offers])]
    assert sorted(map(repr, ordered)) == sorted(map(repr, offers))
    first = {}
    for one in ordered:
        first.setdefault(one.package_id, version_of(one.version))
    for one in offers:
        assert version_of(one.version) <= first[one.package_id]
