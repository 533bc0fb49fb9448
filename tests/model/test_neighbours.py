"""What of the neighbours' packages is worth fetching."""

import pytest

from hotspot.model.neighbours import Neighbour, Offer, named, worth_fetching


def offer(package_id: str, version: str, size: int = 1, *, complete: bool = True) -> Offer:
    return Offer(
        package_id=package_id,
        package_version=version,
        size_in_bytes=size,
        sha256="ab",
        complete=complete,
    )


def neighbour(name: str, *packages: Offer) -> Neighbour:
    return Neighbour(id=f"id of {name}", name=name, url=f"http://{name}", packages=packages)


def chosen(neighbours: list[Neighbour], **held: str) -> list[tuple[str, str, str]]:
    return [
        (one.neighbour.name, one.offer.package_id, one.offer.package_version)
        for one in worth_fetching(neighbours, held)
    ]


def test_what_is_not_here_or_newer_there_small_ones_first() -> None:
    near = neighbour("near", offer("big", "1", 9), offer("new", "2"), offer("old", "1.9"))
    assert chosen([near], new="1.10", old="1.10") == [("near", "new", "2"), ("near", "big", "1")]


def test_of_several_the_newest() -> None:
    near, far = neighbour("near", offer("a", "1.9")), neighbour("far", offer("a", "1.10"))
    assert chosen([near, far]) == chosen([far, near]) == [("far", "a", "1.10")]


def test_nothing_damaged_and_nothing_without_a_version() -> None:
    near = neighbour("near", offer("a", "1", complete=False), offer("b", "latest"))
    assert chosen([near], b="1") == []
    assert chosen([near]) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [("near", "near"), ("id of far", "far"), ("http://far", "far"), ("id of f", "far"),
     ("id of", None), ("", None), ("nobody", None)],
)  # fmt: skip
def test_a_neighbour_is_named(asked: str, found: str | None) -> None:
    one = named([neighbour("near"), neighbour("far")], asked)
    assert (one and one.name) == found
