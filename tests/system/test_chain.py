"""Phone, hotspot, hotspot, PostgreSQL: what is written at one end arrives at the other."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hotspot.control import channel as control
from tests.support.packages import text_package, version_id
from tests.system.nodes import Hotspot, Upstream, until
from tests.system.phones import Phone, edit, texts, verses

TEXT, OTHER = version_id("text-text"), version_id("other-text")


@dataclass
class Chain:
    """A village whose hotspot has the town's hotspot as its upstream; the town has the server."""

    upstream: Upstream
    town: Hotspot
    village: Hotspot

    def sync(self) -> None:
        """Sessions of both, so that no test waits for those that come by themselves."""
        for node in (self.village, self.town, self.village):
            asyncio.run(control.ask(node.data / "control.sock", "sync", {}))

    def settled(self) -> bool:
        """Whether all three tell of the same texts after a session each, and no edit waits."""
        self.sync()
        told = [texts(node.url, TEXT) for node in (self.upstream, self.town, self.village)]
        waiting = self.town.pending() + self.village.pending()
        return waiting == 0 and told[0] == told[1] == told[2]


@pytest.fixture
def chain(tmp_path: Path, upstream: Upstream) -> Iterator[Chain]:
    """All three run, with the same package."""
    package = text_package(tmp_path / "made", verses=20)
    upstream.ask("upstream", "import", package)
    with ExitStack() as stack:

        def follow(name: str, node: Hotspot | Upstream, *command: str) -> Hotspot:
            token = node.ask(*command, "--name", name)["token"]
            hotspot = Hotspot(tmp_path / name, upstream_url=node.url, upstream_token=token)
            stack.callback(hotspot.end)
            hotspot.start()
            hotspot.ask("import", package)
            return hotspot

        town = follow("town", upstream, "upstream", "add-device")
        village = follow("village", town, "devices", "add")
        until(lambda: village.status()["upstreamReachable"])
        yield Chain(upstream, town, village)


def phone(node: Hotspot) -> Phone:
    return Phone.pair(node.url, node.ask("devices", "pair")["code"])


def editor(upstream: Upstream) -> Phone:
    """Somebody who edits at the server itself."""
    made = upstream.ask("upstream", "add-device", "--name", "Office", "--role", "editor")
    return Phone(upstream.url, made["token"])


def test_edits_travel_both_ways_through_both_hotspots(chain: Chain) -> None:
    up, down, between, *_ = verses(chain.village.url, TEXT)
    phone(chain.village).push([edit(up, "typed in the village")])
    editor(chain.upstream).push([edit(down, "typed at the server")])
    phone(chain.town).push([edit(between, "typed in the town")])
    expected = {
        up["recordId"]: "typed in the village",
        down["recordId"]: "typed at the server",
        between["recordId"]: "typed in the town",
    }

    def arrived() -> bool:
        chain.sync()
        ends = (chain.upstream, chain.village)
        return all(expected.items() <= texts(node.url, TEXT).items() for node in ends)

    until(arrived)
    until(chain.settled)


def test_the_time_travels_down_the_chain(chain: Chain) -> None:
    chain.sync()
    assert chain.town.status()["clockTrusted"]
    assert chain.village.status()["clockTrusted"]


def test_the_whole_chain_agrees_after_one_verse_was_edited_everywhere(chain: Chain) -> None:
    verse, *_ = verses(chain.village.url, TEXT)
    typed = {"village", "town", "server"}
    at_each = [phone(chain.village), phone(chain.town), editor(chain.upstream)]
    for one, text in zip(at_each, ("village", "town", "server"), strict=True):
        one.push([edit(verse, text)])
    until(chain.settled)
    stands = texts(chain.upstream.url, TEXT)[verse["recordId"]]
    assert stands in typed
    kept = {stands}
    for node in (chain.town, chain.village):
        for lost in node.ask("conflicts", "losers", "--record", verse["recordId"]):
            kept.add(lost["localRecord"]["verse_text"])
    assert typed <= kept, "a text was lost"


def test_edits_go_on_when_the_middle_comes_back(chain: Chain) -> None:
    verse, *_ = verses(chain.village.url, TEXT)
    chain.town.kill()
    phone(chain.village).push([edit(verse, "typed while the town was dark")])
    chain.town.start()
    until(lambda: texts(chain.upstream.url, TEXT)[verse["recordId"]].startswith("typed while"))
    until(chain.settled)


def test_edits_of_a_version_that_the_next_hotspot_lacks_wait(chain: Chain, tmp_path: Path) -> None:
    """It answers for its own packages, whatever the server behind it knows."""
    other = text_package(tmp_path / "made", "other")
    chain.upstream.ask("upstream", "import", other)
    chain.village.ask("import", other)
    verse: dict[str, Any] = verses(chain.village.url, OTHER)[0]
    known, *_ = verses(chain.village.url, TEXT)
    at_village = phone(chain.village)
    at_village.push([edit(verse, "waits")])
    at_village.push([edit(known, "goes on")])
    until(lambda: texts(chain.upstream.url, TEXT)[known["recordId"]] == "goes on")
    assert chain.village.pending() == 1
    chain.town.ask("import", other)
    chain.sync()
    until(lambda: texts(chain.upstream.url, OTHER)[verse["recordId"]] == "waits")
