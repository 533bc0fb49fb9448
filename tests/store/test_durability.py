"""What was acknowledged is there after a SIGKILL; what was not is there whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hotspot import faults
from hotspot.clock import Clock
from hotspot.store.store import HotspotStore
from tests.contract.opened import T1, TEXT, drain, verse, version_row
from tests.store.support import query, staging

ROOT = Path(__file__).parents[2]
EDITS = 150


def child(job: str, path: Path, fault: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.writing_child", job, str(path)],
        cwd=ROOT,
        env={**os.environ, faults.VARIABLE: fault},
        stdout=subprocess.PIPE,
        text=True,
    )


def edit_until_killed(path: Path) -> set[int]:
    """The numbers of the edits that were acknowledged."""
    with child("edit", path) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(EDITS)]
        process.kill()
        acknowledged += map(int, process.stdout.read().split())
    return set(acknowledged)


def publish(path: Path, fault: str) -> tuple[int, str]:
    """How the process that published ended, and what it said."""
    staging(path.with_name("staging"), [version_row(TEXT), *(verse(n) for n in range(500))])
    with child("publish", path, fault) as process:
        said, _ = process.communicate()
    return process.returncode, said


@pytest.fixture
def killed(path: Path) -> set[int]:
    return edit_until_killed(path)


async def test_acknowledged_edits_survive_a_kill(
    path: Path, clock: Clock, killed: set[int]
) -> None:
    async with HotspotStore.open(path, clock) as store:
        assert query(path, "PRAGMA integrity_check") == [("ok",)]
        edits = await store.pending_edits(1_000_000)
        found = {edit.record.id: edit.record for edit in edits}
        expected = {verse(n).id: verse(n, f"Text {n}", T1) for n in killed}
        assert len(expected) >= EDITS
        assert expected.items() <= found.items()
        assert len(found) <= len(expected) + 4, "no more than were under way"


@pytest.fixture
def published(path: Path, request: pytest.FixtureRequest) -> tuple[int, str]:
    return publish(path, request.param)


@pytest.mark.parametrize("published", ["publish.before_commit"], indirect=True)
async def test_a_package_cut_before_its_commit_is_not_there(
    path: Path, clock: Clock, published: tuple[int, str]
) -> None:
    assert published == (-signal.SIGKILL, "")
    async with HotspotStore.open(path, clock) as store:
        assert await store.package("eng-kjv") is None
        assert query(path, "SELECT count(*) FROM verse_texts") == [(0,)]
        assert await store.positions() == []


@pytest.mark.parametrize("published", ["publish.after_commit"], indirect=True)
async def test_a_package_cut_after_its_commit_is_all_there(
    path: Path, clock: Clock, published: tuple[int, str]
) -> None:
    assert published == (-signal.SIGKILL, "")
    async with HotspotStore.open(path, clock) as store:
        assert await store.package("eng-kjv") is not None
        assert len((await drain(store, TEXT))[0]) == 501


@pytest.mark.parametrize("published", ["elsewhere"], indirect=True)
def test_other_points_end_nothing(published: tuple[int, str]) -> None:
    assert published == (0, "published\n")
