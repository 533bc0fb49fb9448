"""Sticks whose files are not what they were: rewritten, exchanged or led elsewhere meanwhile."""

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from hotspot import faults
from hotspot.importer import importer, pipeline
from hotspot.importer.shelf import Shelf
from hotspot.model.catalogue import PackageQuery
from hotspot.model.plan import ImportAction
from hotspot.package.layout import HEADER_SIZE
from hotspot.package.reader import open_package
from tests.importer.conftest import Box
from tests.support.packages import combined_package, text_package


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "SETTLE_S", 0.01)


def before_each_copy(monkeypatch: pytest.MonkeyPatch, happens: Callable[[int], None]) -> None:
    """`happens(number of the copy)` when the head has been read, and the copy is to begin."""
    real, copies = pipeline.copy, 0

    def copy(*arguments: Any, **more: Any) -> Any:
        nonlocal copies
        copies += 1
        happens(copies)
        return real(*arguments, **more)

    monkeypatch.setattr(pipeline, "copy", copy)


async def packages(box: Box) -> list[tuple[str, str]]:
    infos, _ = await box.store.list_packages(PackageQuery())
    return [(info.package_id, info.package_version) for info in infos]


async def test_a_package_is_removed_while_another_is_copied(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, removed = threading.Event(), threading.Event()

    def wait(copy: int) -> None:
        if copy == 2:
            begun.set()
            assert removed.wait(30)

    before_each_copy(monkeypatch, wait)
    await box.importer.import_file(await asyncio.to_thread(text_package, tmp_path))
    other = await asyncio.to_thread(text_package, tmp_path, "other")
    importing = asyncio.create_task(box.importer.import_file(other))
    assert await asyncio.to_thread(begun.wait, 30)
    try:
        async with asyncio.timeout(30):
            assert await box.importer.remove("text")
        assert await packages(box) == []
    finally:
        removed.set()
    assert (await importing).action is ImportAction.NEW
    assert await packages(box) == [("other", "1.0")]


async def test_a_package_that_comes_again_keeps_the_file_while_the_old_one_goes(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await asyncio.to_thread(text_package, tmp_path)
    await box.importer.import_file(source)
    renamed, deleting = threading.Event(), threading.Event()
    delete = Shelf.delete

    def slowly(shelf: Shelf, names: Collection[str]) -> None:
        deleting.set()
        renamed.wait(0.5)
        delete(shelf, names)

    monkeypatch.setattr(Shelf, "delete", slowly)
    monkeypatch.setattr(faults, "point", lambda n: renamed.set() if n == "import.renamed" else None)
    removing = asyncio.create_task(box.importer.remove("text"))
    assert await asyncio.to_thread(deleting.wait, 30)
    assert (await box.importer.import_file(source)).action is ImportAction.NEW
    assert await removing
    assert await packages(box) == [("text", "1.0")]
    (file,) = box.config.packages.iterdir()
    assert file.read_bytes() == source.read_bytes()


async def test_a_file_that_changes_once_is_read_again(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await asyncio.to_thread(text_package, tmp_path)
    later = await asyncio.to_thread(text_package, tmp_path, version="2.0")

    def exchange(copy: int) -> None:
        if copy == 1:
            later.replace(source)

    before_each_copy(monkeypatch, exchange)
    assert (await box.importer.import_file(source)).action is ImportAction.NEW
    assert await packages(box) == [("text", "2.0")]


async def test_a_file_that_never_stays_is_refused_with_a_sentence(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    before_each_copy(monkeypatch, lambda copy: os.utime(source, ns=(copy, copy)))
    result = await box.importer.import_file(source)
    assert result.action is ImportAction.CHANGED
    assert result.sentence.startswith(f"{source.name}: It changed while it was read")
    assert await packages(box) == []
    assert list(box.config.incoming.iterdir()) == []


async def test_a_file_that_shrinks_while_it_is_read_has_changed(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    size = source.stat().st_size
    before_each_copy(monkeypatch, lambda copy: os.truncate(source, size - copy))
    result = await box.importer.import_file(source)
    assert result.action in (ImportAction.CHANGED, ImportAction.REFUSED)
    assert await packages(box) == []


def two_faced(folder: Path) -> tuple[Path, bytes]:
    """A file with the manifest of a package `face`, and the old package that it is otherwise."""
    old = text_package(folder, version="1.0").read_bytes()
    face = text_package(folder, "face", version="1.0")
    head = open_package(face).manifest_bytes
    face.write_bytes(old[:HEADER_SIZE] + head + old[HEADER_SIZE + len(head) :])
    assert face.stat().st_size == len(old)
    return face, old


async def test_a_stick_that_shows_two_faces_is_not_believed(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planned for a package that is new, it would publish an older one over a newer one."""
    kept = await asyncio.to_thread(text_package, tmp_path, version="2.0", words="Kept")
    await box.importer.import_file(kept)
    face, old = await asyncio.to_thread(two_faced, tmp_path)
    known = face.stat()

    def show_the_other(copy: int) -> None:
        face.write_bytes(old)
        os.utime(face, ns=(known.st_atime_ns, known.st_mtime_ns))

    before_each_copy(monkeypatch, show_the_other)
    result = await box.importer.import_file(face)
    assert result.action in (ImportAction.CHANGED, ImportAction.OLDER)
    assert await packages(box) == [("text", "2.0")]


async def test_links_and_what_is_no_file_are_not_followed(box: Box, tmp_path: Path) -> None:
    outside = await asyncio.to_thread(text_package, tmp_path / "outside")
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "link.bible").symlink_to(outside)
    (stick / "folder").symlink_to(outside.parent)
    (stick / "memory.bible").symlink_to("/dev/zero")
    os.mkfifo(stick / "pipe.bible")
    assert await box.importer.import_folder(stick) == []
    for name in ("link.bible", "pipe.bible"):
        result = await box.importer.import_file(stick / name)
        assert result.action is ImportAction.REFUSED
        assert "not a file" in result.sentence


async def test_another_stick_with_the_same_file_goes_on(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await asyncio.to_thread(combined_package, tmp_path / "first", size=3_000_000)
    second = tmp_path / "second" / "other-name.bible"
    second.parent.mkdir()
    shutil.copy(first, second)
    whole, cut = first.stat().st_size, 2 * 1024 * 1024 + 5

    def pull_out(copy: int) -> None:
        if copy == 1:
            os.truncate(first, cut)

    before_each_copy(monkeypatch, pull_out)
    monkeypatch.setattr(pipeline, "_check_unchanged", lambda path, before: None)
    assert (await box.importer.import_file(first)).action is ImportAction.INTERRUPTED
    (part,) = box.config.incoming.iterdir()
    assert part.stat().st_size == cut
    seen: list[int] = []
    real = pipeline.copy

    def watched(source: Path, *arguments: Any, **more: Any) -> Any:
        seen.append(arguments[0].stat().st_size)
        return real(source, *arguments, **more)

    monkeypatch.setattr(pipeline, "copy", watched)
    assert (await box.importer.import_file(second)).action is ImportAction.NEW
    assert seen == [cut]
    assert [path.stat().st_size for path in box.config.packages.iterdir()] == [whole]
