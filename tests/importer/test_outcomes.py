"""Packages that are about each other: what replaces, excludes, completes or waits for what."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hotspot.importer.publishing import described
from hotspot.importer.shelf import Shelf
from hotspot.model.catalogue import PackageQuery
from hotspot.model.imports import ImportRecord
from hotspot.model.plan import ImportAction, needed_bytes
from hotspot.package.manifest import ContentRange, SeriesInfo
from hotspot.package.reader import open_package
from tests.importer.conftest import Box
from tests.support.packages import combined_package, text_package


async def brought(box: Box, folder: Path, name: str, **more: Any) -> ImportRecord:
    """What becomes of a small package with these fields."""
    path = await asyncio.to_thread(text_package, folder, name, **more)
    return await box.importer.import_file(path)


async def here(box: Box) -> set[str]:
    infos, _ = await box.store.list_packages(PackageQuery())
    files = {path.name for path in box.config.packages.iterdir()}
    assert files == {f"{info.sha256}.bible" for info in infos}
    return {info.package_id for info in infos}


def part(number: int, *needs: str) -> SeriesInfo:
    return SeriesInfo(
        series_id="whole",
        series_name="The whole Bible",
        part_number=number,
        total_parts=3,
        chunking_strategy="books",
        dependencies=list(needs),
        is_complete=True,
        estimated_series_size_mb=1,
        content_range=ContentRange(start_book="gen", end_book="gen", description="Genesis"),
    )


async def test_what_another_replaces_stays_until_room_is_short(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await brought(box, tmp_path, "old")
    result = await brought(box, tmp_path, "new", supersedes="old")
    assert "is new here; it takes the place of package old." in result.sentence
    assert await here(box) == {"old", "new"}
    left_alone = await brought(box, tmp_path, "old", version="2.0")
    assert left_alone.action is ImportAction.SUPERSEDED
    big = await asyncio.to_thread(combined_package, tmp_path, "big")
    old, _ = sorted(shelved(box), key=lambda path: path.stat().st_mtime_ns)
    enough = 64_000_000 + await needed(big)
    monkeypatch.setattr(Shelf, "free", lambda self: enough - (1 if old.exists() else 0))
    assert (await box.importer.import_file(big)).action is ImportAction.NEW
    assert await here(box) == {"new", "big"}
    told = [(one.action, one.sentence) for one in await box.store.imports(9)]
    removed = "Package old was removed: another one replaces it, and it made room for others."
    assert (ImportAction.REMOVED, removed) in told


def shelved(box: Box) -> list[Path]:
    return list(box.config.packages.glob("*.bible"))


async def needed(path: Path) -> int:
    """The room that a plan wants for a package."""
    return needed_bytes(described(await asyncio.to_thread(open_package, path), 0))


async def test_what_excludes_what_it_replaces_takes_its_place(box: Box, tmp_path: Path) -> None:
    await brought(box, tmp_path, "old")
    await brought(box, tmp_path, "new", supersedes="old", conflicts_with=["old"])
    assert await here(box) == {"new"}


async def test_what_cannot_be_beside_another_is_left_on_the_stick(box: Box, tmp_path: Path) -> None:
    await brought(box, tmp_path, "first", conflicts_with=["second"])
    result = await brought(box, tmp_path, "second")
    assert result.action is ImportAction.CONFLICTING
    assert await here(box) == {"first"}
    await box.importer.remove("first")
    assert (await brought(box, tmp_path, "second")).action is ImportAction.NEW


async def test_what_needs_a_newer_application_is_left_on_the_stick(
    box: Box, tmp_path: Path
) -> None:
    result = await brought(box, tmp_path, "future", min_app_version="99.0")
    assert result.action is ImportAction.TOO_NEW
    assert await here(box) == set()


async def test_parts_come_in_any_order_and_say_what_is_missing(box: Box, tmp_path: Path) -> None:
    third = await brought(box, tmp_path, "three", series=part(3, "names"))
    assert "part 3 of 3 of The whole Bible, of which parts 1 and 2 are not here" in third.sentence
    assert "it needs names, not here yet" in third.sentence
    await brought(box, tmp_path, "one", series=part(1))
    last = await brought(box, tmp_path, "two", series=part(2))
    assert last.sentence.endswith("it is part 2 of 3 of The whole Bible, which is whole now.")


async def test_what_was_said_outlives_the_process_and_is_said_once(
    box: Box, tmp_path: Path
) -> None:
    for _ in range(3):
        await brought(box, tmp_path, "text")
    kept = await box.store.imports(10)
    assert [one.action for one in kept] == [ImportAction.NEW, ImportAction.SAME]
    assert kept[1].at >= kept[0].at > "2026"


async def test_the_newest_of_several_is_taken_and_no_other_copied(box: Box, tmp_path: Path) -> None:
    for version in ("1.9", "1.10", "1.2"):
        await asyncio.to_thread(text_package, tmp_path / "stick", version=version)
    results = await box.importer.import_folder(tmp_path / "stick")
    assert [one.action for one in results] == [
        ImportAction.NEW,
        ImportAction.OLDER,
        ImportAction.OLDER,
    ]
