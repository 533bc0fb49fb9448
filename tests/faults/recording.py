"""A hotspot at work on a disk whose every write is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.disks import RecordedDisk, recorded_disk
from tests.support.packages import combined_package, text_package, version_id
from tests.support.write_log import Replay
from tests.system.nodes import HOTSPOT, Hotspot, until
from tests.system.phones import verses
from tests.system.storm import Storm

VERSES = 2000
DATA = "data"
"""The data folder, on the disk."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An edit that a phone was told is safe, when the log was `position` bytes long."""

    position: int
    record_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Recording:
    """What the disk was sent while phones uploaded and `package` was imported.

    `lengths` of the log: when phones began, with another package here; when the stick with the
    package came; when its copy was whole; when phones could see it.
    """

    base: Path
    log: Path
    package: Path
    acknowledged: Sequence[Acknowledged]
    lengths: tuple[int, int, int, int]

    def replay(self, image: Path) -> Replay:
        return Replay(self.log, image)

    def due(self, replay: Replay, position: int) -> dict[str, str]:
        """The texts, by record, that were acknowledged within the first `position` entries."""
        length = replay.entries[position - 1].end if position else 0
        return {a.record_id: a.text for a in self.acknowledged if a.position <= length}


class _Noted(dict[str, str]):
    """The acknowledged texts of a storm; notes how long the log was at each."""

    def __init__(self, disk: RecordedDisk) -> None:
        super().__init__()
        self.all: list[Acknowledged] = []
        self.disk = disk

    def __setitem__(self, record_id: str, text: str) -> None:
        super().__setitem__(record_id, text)
        self.all.append(Acknowledged(self.disk.position(), record_id, text))


def record(work: Path, program: Sequence[str] = HOTSPOT) -> Recording:
    """Runs a hotspot by the command `program`, and records what it does to its disk."""
    work.mkdir()
    first = text_package(work / "first", verses=VERSES)
    second = combined_package(work / "second", size=1_500_000)
    with recorded_disk(work) as disk:
        hotspot = Hotspot(work / "node", data_dir=disk.folder / DATA)
        hotspot.program = program
        noted = _Noted(disk)
        try:
            hotspot.start()
            _plug(hotspot, first)
            until(lambda: _listed(hotspot) == 1)
            lengths = _work(hotspot, second, noted)
        finally:
            hotspot.end()
    package = hotspot.sticks / "second" / second.name
    return Recording(disk.base, disk.log, package, noted.all, lengths)


def _work(hotspot: Hotspot, package: Path, noted: _Noted) -> tuple[int, int, int, int]:
    """Phones upload before the import, while it runs, and after it; the lengths of the log."""
    storm = Storm(hotspot, verses(hotspot.url, version_id("text-text")), phones=2)
    storm.acknowledged = noted
    began = noted.disk.position()
    with storm:
        until(lambda: len(noted) >= 5)
        plugged = noted.disk.position()
        _plug(hotspot, package)
        until(lambda: _verifies(noted.disk.folder / DATA))
        copied = noted.disk.position()
        until(lambda: _listed(hotspot) == 2)
        listed, after = noted.disk.position(), len(noted) + 5
        until(lambda: len(noted) >= after)
        storm.cut = True
    return began, plugged, copied, listed


def _plug(hotspot: Hotspot, package: Path) -> None:
    """Puts in a stick with this package."""
    package.parent.rename(hotspot.sticks / package.parent.name)


def _verifies(data: Path) -> bool:
    """Whether the rows of a package are being read, which begins when its copy is durable."""
    return any(path.suffix != ".part" for path in (data / "incoming").iterdir())


def _listed(hotspot: Hotspot) -> int:
    """How many packages phones can see."""
    return len(hotspot.request("GET", "/functions/v1/packages").json["packages"])
