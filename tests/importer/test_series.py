"""A Bible in parts: each is of use as it comes, and what is missing is said until it is here."""

import asyncio
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import msgspec
import pytest

from hotspot.model.catalogue import PackageQuery
from hotspot.model.plan import ImportAction
from hotspot.model.tables import Scope, ScopeKind
from hotspot.package.series import split
from hotspot.package.writer import build
from hotspot.printing import reports
from tests.importer.conftest import Box
from tests.package.pieces import TEXT_ID, spec, text

BOOKS = ("gen", "exod", "lev")


def parts(folder: Path, *needs: str) -> list[Path]:
    """A Bible of three books in three parts; the last depends on `needs`."""
    verses = [(f"{book}-1-1", f"{book} begins") for book in BOOKS]
    made = []
    for part in split(spec(text=text(verses)), 1):
        assert part.series is not None
        series = part.series
        if series.part_number == len(BOOKS):
            series = msgspec.structs.replace(series, dependencies=list(needs))
        made.append(folder / f"{part.package_id}.bible")
        build(replace(part, series=series), made[-1])
    return made


async def lacking(box: Box) -> dict[str, list[int]]:
    listed, _ = await box.store.list_packages(PackageQuery())
    return {one.package_id: (one.series_info or {})["missingParts"] for one in listed}


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:4])
async def test_parts_come_in_any_order(box: Box, tmp_path: Path, order: tuple[int, ...]) -> None:
    paths = await asyncio.to_thread(parts, tmp_path)
    for count, number in enumerate(order, start=1):
        result = await box.importer.import_file(paths[number])
        assert result.action is ImportAction.NEW
        assert ("whole now" in result.sentence) is (count == 3)
        here = {one + 1 for one in order[:count]}
        assert await lacking(box) == {
            f"test-package-part{one}": sorted({1, 2, 3} - here) for one in here
        }
        rows = await box.store.approved_rows("test-package-part1", Scope(ScopeKind.TEXT, TEXT_ID))
        assert len(rows) == 1 + (0 in order[:count])
    stored = await box.store.package("test-package-part2")
    assert stored is not None
    assert (stored.info.series_info or {})["missingParts"] == []


async def test_what_a_part_depends_on_is_said_until_it_is_here(box: Box, tmp_path: Path) -> None:
    paths = await asyncio.to_thread(parts, tmp_path, "test-package-part1", "maps")
    result = await box.importer.import_file(paths[2])
    assert "needs test-package-part1 and maps, not here yet" in result.sentence
    await box.importer.import_file(paths[0])
    listed, _ = await box.store.list_packages(PackageQuery())
    assert (listed[1].series_info or {})["missingDependencies"] == ["maps"]
    table = [msgspec.to_builtins(one) | {"approval": None} for one in listed]
    told = reports.packages(table).splitlines()
    assert told[1] == "  is part 1 of 3 of Test Text, of which part 2 is not here yet"
    assert told[3].endswith("; needs maps, not here yet, to be of full use")
