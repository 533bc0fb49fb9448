"""Sticks that are pulled out while they are read, and sticks that cannot be read everywhere."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotspot.model.plan import ImportAction
from hotspot.package import copying
from tests.faults.checking import broken
from tests.importer.conftest import Box
from tests.support.disks import exported, make_ext4, mounted
from tests.support.packages import combined_package, text_package
from tests.support.requirements import needs

POINTS = 100
SECTOR, BLOCK = 512, 4096
STICK_MB = 16


class Stick:
    """A stick with these packages; `where` says where on it the last one begins."""

    def __init__(self, image: Path, *packages: Path) -> None:
        make_ext4(image, STICK_MB)
        with mounted(image, image.with_suffix(".new")) as folder:
            for package in packages:
                shutil.copyfile(package, folder / package.name)
        self.image = image
        self.whole = image.read_bytes()
        content = packages[-1].read_bytes()
        self.where = self.whole.index(content)

    @contextmanager
    def pulled_at(self, byte: int) -> Iterator[Path]:
        """The stick mounted; what lies behind this byte of its last package is out of reach."""
        with mounted(self.image, self.image.with_suffix(".mnt"), "ro") as folder:
            os.truncate(self.image, self.where + byte)
            try:
                yield folder
            finally:
                with self.image.open("ab") as file:
                    file.write(self.whole[self.where + byte :])

    @contextmanager
    def bad_at(self, byte: int) -> Iterator[Path]:
        """The stick mounted; reading this byte of its last package fails."""
        sector = (self.where + byte) // SECTOR
        file = f"driver=file,node-name=disk,filename={self.image},read-only=on"
        bad = (
            "driver=blkdebug,node-name=bad,image=disk,read-only=on,inject-error.0.event=read_aio,"
            f"inject-error.0.sector={sector},inject-error.0.errno=5"
        )
        above = "driver=raw,node-name=stick,file=bad,read-only=on"
        nodes = [word for node in (file, bad, above) for word in ("--blockdev", node)]
        with (
            exported(self.image.with_suffix(".bad"), nodes, "stick", writable=False) as device,
            mounted(device, self.image.with_suffix(".mnt"), "ro", "noload") as folder,
        ):
            yield folder


@pytest.fixture
def asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drive that failed is asked as often as ever, without the pauses."""
    monkeypatch.setattr(copying, "RETRIES_S", (0.0,) * len(copying.RETRIES_S))


@pytest.fixture
def packages(tmp_path: Path) -> tuple[Path, Path]:
    """A text, and audio of 2 MB."""
    needs("qemu")
    made = tmp_path / "made"
    return text_package(made), combined_package(made, size=1_000_000)


@pytest.mark.usefixtures("asked_again_at_once")
async def test_a_stick_pulled_at_a_hundred_points_goes_on_each_time(
    box: Box, tmp_path: Path, packages: tuple[Path, Path]
) -> None:
    audio = packages[1]
    stick = await asyncio.to_thread(Stick, tmp_path / "pulled.img", audio)
    size, there = audio.stat().st_size, 0
    for number in range(1, POINTS + 1):
        byte = size * number // (POINTS + 1) // BLOCK * BLOCK
        with stick.pulled_at(byte) as folder:
            result = await box.importer.import_file(folder / audio.name)
        assert result.action is ImportAction.INTERRUPTED, (number, result)
        assert await box.store.package("combined") is None
        copied = sum(part.stat().st_size for part in box.config.incoming.iterdir())
        assert there <= copied <= byte
        there = copied
    assert there > size * 9 // 10
    assert await broken(box) == []
    assert (await box.importer.import_file(audio)).action is ImportAction.NEW
    assert await broken(box) == []


@pytest.mark.parametrize("part", [0.01, 0.3, 0.99])
async def test_a_bad_sector_costs_only_the_file_that_it_is_in(
    box: Box, tmp_path: Path, packages: tuple[Path, Path], part: float
) -> None:
    text, audio = packages
    stick = await asyncio.to_thread(Stick, tmp_path / "scratched.img", text, audio)
    with stick.bad_at(int(audio.stat().st_size * part)) as folder:
        results = await box.importer.import_folder(folder)
    assert {result.package_id: result.action for result in results}["text"] is ImportAction.NEW
    (failed,) = (result for result in results if Path(result.source).name == audio.name)
    assert failed.action is ImportAction.INTERRUPTED, failed
    assert await box.store.package("combined") is None
    assert await broken(box) == []
    assert (await box.importer.import_file(audio)).action is ImportAction.NEW
    assert await broken(box) == []
