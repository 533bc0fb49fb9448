"""Real hotspots, phones and servers that disagree about the time by years.

The edit that was truly last wins, or a person is asked, and no text is lost. The server knows the
time; nobody else is told it before they meet.
"""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hotspot.clock import BUILD_MS
from hotspot.model import instants
from tests.support.packages import text_package, version_id
from tests.system.clocks import HOUR, SECOND, YEAR, ClockedHotspot, WrongPhone
from tests.system.nodes import Upstream, until
from tests.system.phones import texts, verses

TEXT = version_id("text-text")
WALLS = {
    "1970": 0,
    "its build date": BUILD_MS,
    "2031": instants.to_ms("2031-05-05T05:05:05.000Z"),
}


class Village:
    """A hotspot, the server it syncs with, and an editor in town who uploads there directly."""

    def __init__(
        self, hotspot: ClockedHotspot, upstream: Upstream, town: WrongPhone, package: Path
    ) -> None:
        self.hotspot = hotspot
        self.upstream = upstream
        self.town = town
        self.package = package
        self.verses = verses(upstream.url, TEXT)

    def start(self) -> None:
        """Starts the hotspot, with the package."""
        self.hotspot.start()
        self.hotspot.ask("import", self.package)

    def phone(self, ahead_ms: int = 0) -> WrongPhone:
        """A phone at the hotspot."""
        made = self.hotspot.ask("devices", "add", "--name", "Phone", "--role", "editor")
        return WrongPhone(self.hotspot.url, made["token"], ahead_ms)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """No uplink within the block; after it, everything has been exchanged."""
        self.upstream.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.upstream.send(signal.SIGCONT)
        until(lambda: self.hotspot.pending() == 0)
        until(lambda: self.texts == texts(self.hotspot.url, TEXT))

    @property
    def texts(self) -> dict[str, str]:
        return texts(self.upstream.url, TEXT)

    def text(self, verse: dict[str, Any]) -> str:
        """What a verse says, here and at the server."""
        return self.texts[verse["recordId"]]

    def kept(self, verse: dict[str, Any]) -> set[str]:
        """The texts of a verse that the hotspot kept when they lost."""
        lost = self.hotspot.ask("conflicts", "losers", "--record", verse["recordId"])
        return {one["localRecord"]["verse_text"] for one in lost}

    def asked(self, verse: dict[str, Any]) -> bool:
        """Whether a person is asked about the verse."""
        conflicts = self.hotspot.ask("conflicts", "list")
        return verse["recordId"] in {one["recordId"] for one in conflicts}


@pytest.fixture
def village(tmp_path: Path, upstream: Upstream) -> Iterator[Village]:
    """All with the same package, and the hotspot not yet running."""
    package = text_package(tmp_path / "made", verses=12)
    upstream.ask("upstream", "import", package)

    def device(name: str, role: str) -> str:
        made = upstream.ask("upstream", "add-device", "--name", name, "--role", role)
        return str(made["token"])

    with ExitStack() as stack:
        hotspot = ClockedHotspot(
            tmp_path / "village",
            upstream_url=upstream.url,
            upstream_token=device("Village", "hotspot"),
        )
        stack.callback(hotspot.end)
        stack.callback(upstream.send, signal.SIGCONT)
        town = WrongPhone(upstream.url, device("Town", "editor"))
        yield Village(hotspot, upstream, town, package)


@pytest.mark.parametrize("wall", WALLS)
def test_whatever_the_machines_clock_shows(village: Village, wall: str) -> None:
    """Edits delayed by hours, by a phone that is right and one that is years off the other way."""
    later, earlier, wrong_later, wrong_earlier, *_ = village.verses
    for verse in (later, earlier, wrong_later, wrong_earlier):
        village.town.push(verse, "town", ago_ms=3 * HOUR)
    village.hotspot.machine.show(WALLS[wall])
    with village.apart():
        village.start()
        right = village.phone()
        wrong = village.phone(-9 * YEAR if wall == "2031" else 9 * YEAR)
        right.push(later, "village", ago_ms=2 * HOUR)
        right.push(earlier, "village", ago_ms=4 * HOUR)
        wrong.push(wrong_later, "village", ago_ms=2 * HOUR)
        wrong.push(wrong_earlier, "village", ago_ms=4 * HOUR)
    assert [village.text(one) for one in (later, wrong_later)] == ["village"] * 2
    assert [village.text(one) for one in (earlier, wrong_earlier)] == ["town"] * 2
    assert village.kept(earlier) == village.kept(wrong_earlier) == {"village"}
    assert village.hotspot.ask("conflicts", "list") == []
    assert village.hotspot.status()["clockTrusted"]


def test_a_clock_that_steps_while_everything_runs(village: Village) -> None:
    """It steps forward and back between two edits of one verse, and then in the session."""
    verse, other, *_ = village.verses
    village.town.push(other, "town", ago_ms=HOUR)
    with village.apart():
        village.start()
        first, second = village.phone(), village.phone(5 * YEAR)
        village.hotspot.machine.show(WALLS["2031"])
        first.push(verse, "first", ago_ms=10 * SECOND)
        village.hotspot.machine.show(WALLS["1970"])
        second.push(verse, "second", ago_ms=5 * SECOND)
        first.push(other, "village", ago_ms=2 * HOUR)
        village.hotspot.machine.show(WALLS["2031"])
    assert (village.text(verse), village.text(other)) == ("second", "town")
    assert (village.kept(verse), village.kept(other)) == ({"first"}, {"village"})
    village.hotspot.machine.show(WALLS["1970"])
    third = village.phone(-YEAR)
    third.push(verse, "third")
    until(lambda: village.text(verse) == "third")


def test_edits_of_a_boot_that_never_knew_the_time(village: Village) -> None:
    """The phone's own clock decides where it can be right, by more than ten minutes only."""
    later, close, earlier, wild, base, *_ = village.verses
    for verse in (later, close, earlier, wild):
        village.town.push(verse, "town", ago_ms=HOUR // 2)
    with village.apart():
        village.start()
        right, wrong = village.phone(), village.phone(3 * YEAR)
        right.push(later, "village", ago_ms=HOUR // 4)
        right.push(close, "village", ago_ms=HOUR // 2 - 60 * SECOND)
        right.push(earlier, "village", ago_ms=HOUR)
        wrong.push(wild, "village", ago_ms=HOUR // 4)
        wrong.push(base, "village")
        village.hotspot.kill()
        village.hotspot.machine.boot()
        village.start()
    assert [village.text(one) for one in (later, base)] == ["village", "village"]
    assert [village.text(one) for one in (close, earlier, wild)] == ["town"] * 3
    assert [village.asked(one) for one in (close, wild)] == [True, True]
    assert [village.asked(one) for one in (later, earlier, base)] == [False] * 3
    assert all(village.kept(one) == {"village"} for one in (close, earlier, wild))


def test_a_hotspot_that_starts_again_keeps_what_its_boot_knew(village: Village) -> None:
    """Killed and started in one boot, its edits are still dated exactly."""
    later, earlier, *_ = village.verses
    for verse in (later, earlier):
        village.town.push(verse, "town", ago_ms=60 * SECOND)
    with village.apart():
        village.start()
        phone = village.phone(-3 * YEAR)
        phone.push(later, "village", ago_ms=50 * SECOND)
        phone.push(earlier, "village", ago_ms=70 * SECOND)
        village.hotspot.kill()
        village.start()
    assert (village.text(later), village.text(earlier)) == ("village", "town")
    assert village.hotspot.ask("conflicts", "list") == []
