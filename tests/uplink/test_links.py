"""The kernel tells of what changes about links, addresses and routes."""

from collections.abc import Iterator

import pytest

from tests.support.networks import Machine, two_machines
from tests.support.requirements import needs


@pytest.fixture
def machine() -> Iterator[Machine]:
    needs("netns")
    with two_machines() as (near, _):
        yield near


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ("link set eth0 up", "link set eth0 down"),
        ("link set eth0 down", "link set eth0 up"),
        ("link set eth0 up", "address add 10.98.0.1/24 dev eth0"),
        ("link set eth0 up", "route add 10.97.0.0/16 dev eth0"),
    ],
)
async def test_a_change_is_noticed(machine: Machine, before: str, change: str) -> None:
    machine.ip(*before.split())
    async with machine.python("tests.uplink.heed") as program:
        assert await program.line() == "listening"
        machine.ip(*change.split())
        assert await program.line() == "changed"
