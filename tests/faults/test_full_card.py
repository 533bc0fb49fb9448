"""The card has room for a little, a little more, and so on: each write finds it full once.

What a plan makes sure of may be taken by others while a package is copied; so the plan is told
here that there is room enough.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotspot.errors import HotspotError, NoSpace
from hotspot.importer.shelf import Shelf
from hotspot.model.plan import ImportAction
from tests.contract.opened import T1, accept, accepted, verse
from tests.faults.checking import broken, rows
from tests.importer.conftest import open_box
from tests.support.disks import make_ext4, mounted
from tests.support.packages import combined_package, text_package
from tests.support.requirements import needs

CARD_MB = 24
VERSES = 1000
EDITED = "SELECT id, verse_text FROM verse_texts WHERE verse_text LIKE 'Text %'"


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A small card of its own."""
    needs("loop")
    make_ext4(tmp_path / "card.img", CARD_MB)
    with mounted(tmp_path / "card.img", tmp_path / "card") as folder:
        yield folder


@contextmanager
def filled(card: Path, room: int) -> Iterator[None]:
    """The card with about `room` bytes free."""
    filler = card / "filler"
    status = os.statvfs(card)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - room)
    try:
        yield
    finally:
        filler.unlink()


async def begin(data: Path, stick: Path) -> None:
    """A hotspot with one package and one edit."""
    async with open_box(data) as box:
        package = await asyncio.to_thread(text_package, stick, verses=VERSES)
        assert (await box.importer.import_file(package)).action is ImportAction.NEW
        await accept(box.store, accepted(verse(1, "Text 1", T1)))


async def attempt(data: Path, package: Path) -> tuple[ImportAction | None, bool]:
    """Imports, then edits, as far as there is room: what came of it, and whether the edit is safe.

    None: there was not even room to start.
    """
    action, safe = None, False
    try:
        async with open_box(data) as box:
            action = (await box.importer.import_file(package)).action
            assert await broken(box) == []
            try:
                await accept(box.store, accepted(verse(2, "Text 2", T1)))
                safe = True
            except NoSpace:
                pass
    except HotspotError as error:
        assert isinstance(error, NoSpace), error
    return action, safe


async def run_out(card: Path, begun: Path, package: Path, room: int) -> ImportAction | None:
    """What an import comes to with this much room; sees that it ends well once there is more."""
    data = card / "data"
    await asyncio.to_thread(shutil.copytree, begun, data)
    try:
        with filled(card, room):
            action, safe = await attempt(data, package)
        assert action in (None, ImportAction.NO_SPACE, ImportAction.NEW), f"{action} at {room}"
        async with open_box(data) as box:
            assert await broken(box) == []
            expected = {"Text 1", "Text 2"} if safe else {"Text 1"}
            assert set(rows(box.config.database, EDITED).values()) == expected
            here = await box.store.package("combined") is not None
            assert here >= (action is ImportAction.NEW), room
            result = await box.importer.import_file(package)
            assert result.action is (ImportAction.SAME if here else ImportAction.NEW), result
            assert list(box.config.incoming.iterdir()) == []
            assert await broken(box) == []
    finally:
        await asyncio.to_thread(shutil.rmtree, data)
    return action


async def fill(card: Path, tmp_path: Path, rooms: range) -> set[ImportAction | None]:
    begun = tmp_path / "begun"
    await begin(begun, tmp_path)
    package = await asyncio.to_thread(combined_package, tmp_path / "stick", size=150_000)
    return {await run_out(card, begun, package, room) for room in rooms}


@pytest.fixture
def plans_think_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shelf, "free", lambda self: 1 << 40)


@pytest.mark.usefixtures("plans_think_there_is_room")
async def test_a_full_card_leaves_all_whole(card: Path, tmp_path: Path) -> None:
    ends = await fill(card, tmp_path, range(0, 1_600_000, 160_000))
    assert {ImportAction.NO_SPACE, ImportAction.NEW} <= ends


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("plans_think_there_is_room")
async def test_a_card_that_is_full_at_any_write_leaves_all_whole(
    card: Path, tmp_path: Path
) -> None:
    ends = await fill(card, tmp_path, range(0, 1_600_000, 4096))
    assert {ImportAction.NO_SPACE, ImportAction.NEW} <= ends
