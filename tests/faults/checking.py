"""Starting from what a power cut left of a disk, and seeing what is there."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from hotspot.model.catalogue import PackageQuery
from hotspot.model.plan import ImportAction
from hotspot.package.verify import verify
from tests.faults.recording import DATA
from tests.importer.conftest import Box, open_box
from tests.support.disks import copy_image, mounted
from tests.support.write_log import Entry, Replay, apply


class Left(StrEnum):
    """How much of the import that was under way is there after the cut."""

    NOTHING = "nothing yet"
    RESUMABLE = "resumable"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Found:
    """What a start after the cut found. `problems`: what was promised and is not so."""

    left: Left
    problems: list[str]


async def look(
    replay: Replay, package: Path, due: Mapping[str, str], also: Sequence[Entry] = ()
) -> Found:
    """Starts on a copy of the replayed disk, looks for the texts `due`, and imports `package`.

    `also`: what of the writes after those that were replayed the disk has got too.
    """
    image = replay.image
    copy = image.with_suffix(".copy")
    copy_image(image, copy)
    apply(replay.log, copy, also)
    try:
        with mounted(copy, image.with_suffix(".mnt")) as disk:
            return await _look(disk / DATA, package, due)
    finally:
        copy.unlink()


async def _look(data: Path, package: Path, due: Mapping[str, str]) -> Found:
    left = _left(data)
    problems = []
    async with open_box(data) as box:
        problems += await broken(box)
        problems += _lost(box, due)
        here = await box.store.package("combined") is not None
        if left is Left.WHOLE and not here:
            problems.append("a package that was visible is gone")
        result = await box.importer.import_file(package)
        if result.action is not (ImportAction.SAME if here else ImportAction.NEW):
            problems.append(f"the next import: {result.sentence}")
        problems += await broken(box)
        problems += _lost(box, due)
        problems += [f"left over: {path.name}" for path in box.config.incoming.iterdir()]
    return Found(left, problems)


def _left(data: Path) -> Left:
    """What is there before anything is started."""
    listed = rows(data / "hotspot.db", "SELECT file_name, package_id FROM package_files")
    if "combined" in listed.values():
        return Left.WHOLE
    files = {path.name for path in (data / "packages").glob("*.bible")} - listed.keys()
    parts = [path for path in (data / "incoming").glob("*.part") if path.stat().st_size]
    return Left.RESUMABLE if files or parts else Left.NOTHING


def _lost(box: Box, due: Mapping[str, str]) -> list[str]:
    pending = """SELECT v.id, v.verse_text FROM verse_texts v JOIN record_sync_status s
        ON s.table_name = 'verse_texts' AND s.record_id = v.id AND s.sync_status = 'pending'"""
    held = rows(box.config.database, pending)
    return [f"lost: {text}" for record_id, text in due.items() if held.get(record_id) != text]


async def broken(box: Box) -> list[str]:
    """What is wrong with the database, or with a package that phones are offered."""
    checked = rows(box.config.database, "SELECT integrity_check, '' FROM pragma_integrity_check")
    problems = [f"the database: {complaint}" for complaint in checked if complaint != "ok"]
    offered, _ = await box.store.list_packages(PackageQuery())
    for info in offered:
        file = box.config.packages / f"{info.sha256}.bible"
        if not file.exists() or sha256(file.read_bytes()).hexdigest() != info.sha256:
            problems.append(f"the file of {info.package_id} is not what it is said to be")
        elif not (await verify(file)).sound:
            problems.append(f"{info.package_id} is damaged")
    return problems


def rows(database: Path, select: str) -> dict[str, Any]:
    """Rows of two columns; none where there is no such table yet."""
    if not database.exists():
        return {}
    with closing(sqlite3.connect(database)) as connection:
        try:
            return dict(connection.execute(select).fetchall())
        except sqlite3.OperationalError:
            return {}
