"""Two hotspots on one network find each other, and one takes over what the other has."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.networks import PROJECT, Machine, two_machines
from tests.support.packages import text_package
from tests.support.requirements import needs
from tests.system.nodes import until


@dataclass
class Box:
    """A hotspot on a machine of its own."""

    machine: Machine
    folder: Path
    name: str

    def command(self, *arguments: str) -> list[str]:
        settings = [
            f"HOTSPOT_DATA_DIR={self.folder / 'data'}",
            f"HOTSPOT_DRIVES_FOLDER={self.folder / 'sticks'}",
            f"HOTSPOT_NAME={self.name}",
        ]
        return ["env", *settings, sys.executable, "-m", "hotspot", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        inside = ["ip", "netns", "exec", self.machine.namespace]
        return subprocess.run(
            [*inside, *self.command(*arguments)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )

    def ask(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def neighbours(self) -> dict[str, list[str]]:
        """The names of the neighbours, each with its packages."""
        found = self.ask("neighbours")
        return {one["name"]: [own["packageId"] for own in one["packages"]] for one in found}


@pytest.fixture
async def boxes(tmp_path: Path) -> AsyncIterator[tuple[Box, Box]]:
    """Two hotspots of one name; the first has a package."""
    needs("netns")
    with two_machines() as machines:
        async with AsyncExitStack() as stack:
            found = [
                Box(machine, tmp_path / name, "Village")
                for machine, name in zip(machines, ("near", "far"), strict=True)
            ]
            for box in found:
                (box.folder / "sticks").mkdir(parents=True)
                await stack.enter_async_context(box.machine.running(*box.command("run")))
                until((box.folder / "data/control.sock").exists)
            yield found[0], found[1]


async def test_a_package_goes_from_one_hotspot_to_another(
    boxes: tuple[Box, Box], tmp_path: Path
) -> None:
    giver, taker = boxes
    package = await asyncio.to_thread(text_package, tmp_path / "made")
    (imported,) = giver.ask("import", str(package))
    [(name, _)] = until(lambda: [one for one in taker.neighbours().items() if "text" in one[1]])
    assert set(giver.neighbours()) | {name} == {"Village", "Village-2"}

    fetched = taker.ask("fetch", name, "text")
    assert (fetched["outcome"], fetched["rows"]) == ("new", imported["rows"])
    assert list((taker.folder / "data/fetched").iterdir()) == []
    [held] = taker.ask("packages")
    assert held["sha256"] == giver.ask("packages")[0]["sha256"]

    again = taker.ask("fetch", name, "text")
    assert again["outcome"] == "same"
    assert "no package 'another'" in taker.run("fetch", name, "another").stderr
    assert "no hotspot 'Nobody'" in taker.run("fetch", "Nobody", "text").stderr


async def test_what_is_announced_follows_the_catalogue_and_the_network(
    boxes: tuple[Box, Box], tmp_path: Path
) -> None:
    giver, taker = boxes

    def seen() -> dict[str, Any]:
        lines = subprocess.run(
            ["ip", "netns", "exec", taker.machine.namespace, sys.executable, "-c", LOOK],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        own = giver.machine.address
        found: list[dict[str, Any]] = json.loads(lines)
        return next((one for one in found if own in one["addresses"]), {})

    before = until(seen)
    package = await asyncio.to_thread(text_package, tmp_path / "made")
    giver.ask("import", str(package))
    until(lambda: seen()["properties"]["rev"] != before["properties"]["rev"])
    giver.machine.ip("address", "add", "10.99.0.7/24", "dev", "eth0")
    until(lambda: "10.99.0.7" in seen().get("addresses", ()))


LOOK = """
import asyncio, msgspec
from hotspot.discovery.browse import find
print(msgspec.json.encode(asyncio.run(find(seconds=1.5))).decode())
"""
