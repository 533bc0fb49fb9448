"""An uplink that comes and goes under a real hotspot: sessions begin by themselves."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.networks import Box, box
from tests.support.packages import text_package, version_id
from tests.support.requirements import needs
from tests.system.nodes import Hotspot, Upstream, until
from tests.system.phones import Phone, edit, texts, verses

TEXT = version_id("text-text")


@pytest.fixture
def machine() -> Iterator[Box]:
    needs("netns")
    with box() as machine:
        yield machine


@pytest.fixture
def hotspot(machine: Box, upstream: Upstream, tmp_path: Path) -> Iterator[Hotspot]:
    """A hotspot on a machine of its own, which runs and has a package that the server has too."""
    package = text_package(tmp_path / "made")
    upstream.ask("upstream", "import", package)
    with ExitStack() as stack:
        hotspot = Hotspot(
            tmp_path / "hotspot",
            inside=machine.inside,
            upstream_url=f"http://{machine.gateway}:{upstream.port}",
            upstream_token=upstream.ask("upstream", "add-device", "--name", "Box")["token"],
        )
        hotspot.url = f"http://{machine.address}:{hotspot.port}"
        stack.callback(hotspot.end)
        hotspot.start()
        hotspot.ask("import", package)
        until(lambda: hotspot.status()["upstreamReachable"])
        yield hotspot


def test_edits_go_up_each_time_the_cable_is_plugged_in(
    machine: Box, upstream: Upstream, hotspot: Hotspot
) -> None:
    phone = Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])
    for verse in verses(hotspot.url, TEXT)[:2]:
        machine.uplink("down")
        until(lambda: not hotspot.status()["upstreamReachable"])
        phone.push([edit(verse, "typed without an uplink")])
        assert hotspot.pending() == 1
        machine.uplink("up")
        until(lambda: hotspot.pending() == 0)
        assert texts(upstream.url, TEXT)[verse["recordId"]] == "typed without an uplink"


def test_an_edit_goes_up_by_itself_while_the_uplink_is_there(
    upstream: Upstream, hotspot: Hotspot
) -> None:
    phone = Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])
    verse, *_ = verses(hotspot.url, TEXT)
    phone.push([edit(verse, "typed online")])
    until(lambda: texts(upstream.url, TEXT)[verse["recordId"]] == "typed online")
