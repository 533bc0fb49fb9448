"""Open files: shared while they are used, and closed soon after."""

import asyncio
from pathlib import Path

import pytest

from hotspot.http.opened import MOST_IDLE, Files
from hotspot.http.pieces import InFile


def _open_in(folder: Path) -> int:
    """How many files below `folder` this process has open."""
    targets = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(target.is_relative_to(folder) for target in targets)


async def _until_open(folder: Path, most: int) -> None:
    async with asyncio.timeout(10):
        while _open_in(folder) > most:
            await asyncio.sleep(0.01)


async def test_a_file_is_opened_once_for_all_and_closed_when_nobody_is_left(tmp_path: Path) -> None:
    path, files = tmp_path / "file", Files()
    path.write_bytes(b"0123456789")
    async with files.open(path) as first, files.open(path) as second:
        assert first is second
        assert first.read() == b"0123456789"
        await asyncio.sleep(0.6)  # long enough for the sweeps that must not take it
        assert not first.closed
    await _until_open(tmp_path, 0)
    assert first.closed
    async with files.open(path) as again:
        assert again.read() == b"0123456789"
    await _until_open(tmp_path, 0)


async def test_few_stay_open_that_nobody_uses(tmp_path: Path) -> None:
    files = Files()
    for number in range(3 * MOST_IDLE):
        path = tmp_path / str(number)
        path.write_bytes(b"x")
        async with files.open(path):
            assert _open_in(tmp_path) <= MOST_IDLE + 1
    await _until_open(tmp_path, 0)


async def test_what_is_too_short_or_gone_is_noticed(tmp_path: Path) -> None:
    path, files = tmp_path / "file", Files()
    path.write_bytes(b"0123456789")
    await files.check([b"bytes", InFile(path, 5, 5), InFile(path, 0, 1)])
    with pytest.raises(OSError, match="shorter"):
        await files.check([InFile(path, 6, 5)])
    with pytest.raises(FileNotFoundError):
        await files.check([InFile(tmp_path / "none", 0, 0)])
    await _until_open(tmp_path, 0)
