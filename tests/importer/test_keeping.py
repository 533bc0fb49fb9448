"""What lies on the card: nothing that nobody refers to, and never the reserve."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hotspot.errors import HotspotError, NoSpace
from hotspot.importer.exporting import export
from hotspot.importer.shelf import Shelf
from hotspot.model.catalogue import PackageQuery
from hotspot.model.plan import ImportAction
from tests.importer.conftest import Box
from tests.importer.test_importer import texts
from tests.support.packages import combined_package, text_package
from tests.support.requirements import needs

Another = Callable[[], AbstractAsyncContextManager[Box]]


async def test_files_that_nothing_refers_to_are_deleted_at_the_start(
    tmp_path: Path, another: Another
) -> None:
    source = await asyncio.to_thread(text_package, tmp_path)
    async with another() as box:
        await box.importer.import_file(source)
        (stored,) = box.config.packages.iterdir()
        signature = stored.with_name(f"{stored.name}.minisig")
        signature.write_text("a signature")
        for name in ("0" * 64 + ".mp3", "0" * 64 + ".bible.minisig", "1.mp3.part", "notes"):
            (box.config.packages / name).write_text("left over")
        (box.config.incoming / "0.staging").write_text("left over")
    async with another() as box:
        assert set(box.config.packages.iterdir()) == {stored, signature}
        assert list(box.config.incoming.iterdir()) == []
        await box.importer.remove("text")
        assert list(box.config.packages.iterdir()) == []


async def test_a_removal_that_the_power_cut_off_is_ended_at_the_start(
    tmp_path: Path, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is to be deleted is not taken for one that is to be published."""
    async with another() as box:
        await box.importer.import_file(await asyncio.to_thread(text_package, tmp_path))
        assert await box.store.remove_package("text")
        assert len(list(box.config.packages.iterdir())) == 1
    async with another() as box:
        assert list(box.config.packages.iterdir()) == []
        assert await box.store.list_packages(PackageQuery()) == ([], 0)
        assert await box.store.discarded_files() == set()


async def test_the_database_is_lost_and_the_packages_come_back(
    tmp_path: Path, another: Another
) -> None:
    for name in ("one", "two"):
        async with another() as box:
            source = await asyncio.to_thread(text_package, tmp_path, name)
            assert (await box.importer.import_file(source)).action is ImportAction.NEW
            epoch = box.store.epoch
    content = bytearray(box.config.database.read_bytes())
    content[100:] = os.urandom(len(content) - 100)
    box.config.database.write_bytes(content)
    async with another() as box:
        infos, _ = await box.store.list_packages(PackageQuery())
        assert [info.package_id for info in infos] == ["one", "two"]
        assert len(await texts(box, "one")) == len(await texts(box, "two")) == 5
        assert box.store.epoch != epoch
        assert "begun anew" in (await box.store.rebuilt() or "")


async def test_a_copy_stops_where_the_reserve_begins(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others write to the card while a big package is being copied."""
    source = await asyncio.to_thread(combined_package, tmp_path, size=3_000_000)
    (part_of,) = [box.config.incoming]
    monkeypatch.setattr(
        Shelf, "free", lambda self: 10**9 if not list(part_of.iterdir()) else 64_000_000
    )
    result = await box.importer.import_file(source)
    assert result.action is ImportAction.NO_SPACE
    assert "full but for its reserve" in result.sentence
    monkeypatch.undo()
    assert (await box.importer.import_file(source)).action is ImportAction.NEW


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A card of 3 MB."""
    needs("loop")
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


async def test_a_package_is_written_out_and_is_the_same(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    await box.importer.import_file(source)
    held = await box.store.package("combined")
    assert held is not None
    stored = box.config.packages / held.file_name
    stored.with_name(f"{stored.name}.head.minisig").write_text("a signature")
    written = await export(stored, held.info, tmp_path / "out")
    assert [path.name for path in written] == [
        "combined-1.0.bible",
        "combined-1.0.bible.head.minisig",
    ]
    assert written[0].read_bytes() == source.read_bytes()
    assert written[1].read_text() == "a signature"
    assert sorted(written[0].parent.iterdir()) == written


async def test_what_rots_on_the_way_is_not_written_out(box: Box, tmp_path: Path) -> None:
    await box.importer.import_file(await asyncio.to_thread(combined_package, tmp_path))
    held = await box.store.package("combined")
    assert held is not None
    stored = box.config.packages / held.file_name
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(content)
    with pytest.raises(HotspotError, match="not what was written"):
        await export(stored, held.info, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


async def test_a_stick_without_room_is_said_and_left_clean(
    box: Box, tmp_path: Path, tiny: Path
) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path, size=2_000_000)
    await box.importer.import_file(source)
    held = await box.store.package("combined")
    assert held is not None
    with pytest.raises(NoSpace, match="no room"):
        await export(box.config.packages / held.file_name, held.info, tiny)
    assert list(tiny.iterdir()) == []
    with pytest.raises(HotspotError, match="cannot be written to"):
        await export(box.config.packages / held.file_name, held.info, source)
