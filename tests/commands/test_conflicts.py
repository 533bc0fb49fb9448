"""`hotspot conflicts` as a person types it."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotspot.cli import main
from hotspot.clock import Clock
from hotspot.model import instants
from hotspot.model.stores import Loser
from hotspot.store.store import HotspotStore
from tests.contract.opened import AUTHOR, T1, T2, TEXT, edited, verse, version_row
from tests.store.support import bring


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder with one conflict in it."""
    monkeypatch.setenv("HOTSPOT_DATA_DIR", str(tmp_path))
    asyncio.run(_disputed(tmp_path / "hotspot.db"))


async def _disputed(path: Path) -> None:
    async with HotspotStore.open(path, Clock(instants.to_ms(T2))) as store:
        await bring(store, version_row(TEXT), verse(1))
        lost = edited(verse(1), "Hers", T1)
        loser = Loser(lost, verse(1).version, "manual", "Simultaneous edits detected.")
        await store.write(lambda tx: tx.keep_losers([loser]))


def hotspot(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["conflicts", *arguments])


@pytest.mark.parametrize("command", [[], ["list"]])
def test_what_waits_is_listed(command: list[str]) -> None:
    result = hotspot(*command)
    assert result.exit_code == 0
    assert result.output.startswith("1  gen-1-1  ")
    (listed,) = json.loads(hotspot(*command, "--json").output)
    assert (listed["id"], listed["resolution"], listed["recordId"]) == (1, "manual", verse(1).id)


def test_both_versions_are_shown_with_who_and_when() -> None:
    shown = hotspot("show", "1").output.splitlines()
    assert f"local: {T1} by {AUTHOR}" in shown
    assert "  verse_text: Hers" in shown
    assert f"server: {verse(1).updated_at} by {AUTHOR}" in shown
    assert "  verse_text: In the beginning" in shown
    assert [line for line in shown if "text_version_id" in line] == [
        f"  text_version_id: {TEXT.id}"
    ], "what both say is said once"


@pytest.mark.parametrize(
    ("version", "says", "text"),
    [
        ("local", "is the local version now", "Hers"),
        ("server", "stays as it is", "In the beginning"),
    ],
)
def test_a_decision_is_kept(version: str, says: str, text: str) -> None:
    assert says in hotspot("keep", "1", version).output
    shown = json.loads(hotspot("show", "1", "--json").output)
    assert shown["serverRecord"]["verse_text"] == text
    assert hotspot("list").output == "No conflict waits for a decision.\n"
    again = hotspot("keep", "1", version)
    assert (again.exit_code, "Traceback" in again.output) == (1, False)


def test_a_version_that_lost_is_brought_back() -> None:
    hotspot("keep", "1", "server")
    assert "gen-1-1" in hotspot("losers").output
    assert hotspot("losers", "--record", verse(2).id).output == "No version has lost.\n"
    assert "is the local version now" in hotspot("restore", "1").output
    assert len(json.loads(hotspot("losers", "--record", verse(1).id, "--json").output)) == 2


@pytest.mark.parametrize("arguments", [("keep", "1", "both"), ("keep", "one", "local"), ("show",)])
def test_usage(arguments: tuple[str, ...]) -> None:
    assert hotspot(*arguments).exit_code == 2
