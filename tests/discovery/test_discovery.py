"""What one machine announces, another one finds, with our own means and with avahi's."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from hotspot.discovery import services
from hotspot.discovery.browse import Neighbour
from tests.support.networks import Machine, Program, two_machines
from tests.support.requirements import needs

IDENTITY = "0123456789abcdef"
NAME = "Bible Hotspot St. Mary"
SHOWN = "Bible Hotspot St Mary"


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    needs("netns")
    with two_machines() as machines:
        yield machines


async def neighbours(looking: Program) -> list[Neighbour]:
    """What the program that looks prints next."""
    return msgspec.json.decode(await looking.line(), type=list[Neighbour])


async def until_names_are(looking: Program, names: list[str]) -> list[Neighbour]:
    """What the program finds, as soon as it is what has these names."""
    async with asyncio.timeout(30):
        while True:
            found = await neighbours(looking)
            if [neighbour.name for neighbour in found] == names:
                return found


@pytest.mark.parametrize("service", [services.HOTSPOT, services.WEB])
async def test_a_neighbour_finds_the_hotspot(
    machines: tuple[Machine, Machine], service: str
) -> None:
    here, there = machines
    async with (
        here.python("tests.discovery.announce", NAME, IDENTITY) as announcing,
        there.python("tests.discovery.look", service) as looking,
    ):
        assert await announcing.line() == "announced"
        [found] = await until_names_are(looking, [SHOWN])
    assert found == Neighbour(
        name=SHOWN,
        host="hotspot-01234567.local",
        port=8080,
        addresses=(here.address,),
        properties={"id": IDENTITY, "protovers": "1", "path": "/", "rev": "1"},
    )


async def test_a_hotspot_that_stops_is_not_offered_any_longer(
    machines: tuple[Machine, Machine],
) -> None:
    here, there = machines
    async with there.python("tests.discovery.look", services.HOTSPOT) as looking:
        async with here.python("tests.discovery.announce", NAME, IDENTITY) as announcing:
            assert await announcing.line() == "announced"
            await until_names_are(looking, [SHOWN])
        await until_names_are(looking, [])


async def test_a_second_hotspot_of_the_same_name_takes_another(
    machines: tuple[Machine, Machine],
) -> None:
    here, there = machines
    async with here.python("tests.discovery.announce", NAME, IDENTITY) as first:
        assert await first.line() == "announced"
        async with there.python("tests.discovery.announce", NAME, IDENTITY[::-1]) as second:
            assert await second.line() == "announced"
            async with there.python("tests.discovery.look", services.HOTSPOT) as looking:
                await until_names_are(looking, [SHOWN, f"{SHOWN}-2"])


async def test_a_network_that_comes_later_is_announced_on_too(
    machines: tuple[Machine, Machine],
) -> None:
    here, there = machines
    here.ip("address", "flush", "dev", "eth0")
    here.ip("address", "add", "10.98.0.1/24", "dev", "eth0")
    async with (
        here.python("tests.discovery.announce", NAME, IDENTITY) as announcing,
        there.python("tests.discovery.look", services.HOTSPOT) as looking,
    ):
        assert await announcing.line() == "announced"
        here.ip("address", "add", "10.99.0.7/24", "dev", "eth0")
        async with asyncio.timeout(30):
            while "10.99.0.7" not in {
                address for found in await neighbours(looking) for address in found.addresses
            }:
                continue


async def test_a_machine_on_no_network_says_so(machines: tuple[Machine, Machine]) -> None:
    here, _ = machines
    here.ip("link", "delete", "eth0")
    async with here.python("tests.discovery.announce", NAME, IDENTITY) as announcing:
        assert await announcing.line() == "Nobody can find this hotspot: it is on no network."


AVAHI = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus
dbus-daemon --system --fork --nopidfile
avahi-daemon --daemonize --no-chroot --no-drop-root --no-rlimits
until avahi-browse -rptk _bible-hotspot._tcp | grep "^="; do sleep 0.2; done
"""


async def test_avahi_finds_the_hotspot(machines: tuple[Machine, Machine]) -> None:
    needs("avahi")
    here, there = machines
    contained = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    async with (
        here.python("tests.discovery.announce", NAME, IDENTITY) as announcing,
        there.running(*contained, "sh", "-c", AVAHI) as avahi,
    ):
        assert await announcing.line() == "announced"
        found = (await avahi.line()).split(";")
    assert found[3] == SHOWN.replace(" ", "\\032")
    assert found[6:9] == ["hotspot-01234567.local", here.address, "8080"]
    assert f'"id={IDENTITY}"' in found[9]
