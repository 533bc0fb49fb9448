"""The process is killed at each named point of an import; the next start has nothing or all."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hotspot.faults import VARIABLE
from hotspot.model.catalogue import PackageQuery
from hotspot.model.plan import ImportAction
from hotspot.package.copying import CHUNK
from tests.importer.conftest import Box
from tests.importer.test_importer import texts
from tests.support.packages import VERSES, text_package

POINTS = {
    "import.copied": 0,
    "import.verified": 0,
    "import.renamed": 1,
    "publish.before_commit": 1,
    "publish.after_commit": 1,
    "import.published": 1,
}
"""Each point, and how many packages the next start has by itself, without the stick."""

IMPORT = """
import asyncio, sys
from pathlib import Path
from tests.importer.conftest import open_box

async def main():
    async with open_box(Path(sys.argv[1])) as box:
        await box.importer.import_file(Path(sys.argv[2]))

asyncio.run(main())
"""


def import_until(point: str, data_dir: Path, source: Path) -> int:
    """Imports in a process of its own that is killed at `point`; returns its exit status."""
    return subprocess.run(
        [sys.executable, "-c", IMPORT, str(data_dir), str(source)],
        env={**os.environ, VARIABLE: point},
        cwd=Path(__file__).parent.parent.parent,
    ).returncode


@pytest.mark.parametrize("point", POINTS)
async def test_the_next_start_has_nothing_or_all_of_it(
    point: str,
    tmp_path: Path,
    another: Callable[[], AbstractAsyncContextManager[Box]],
    data_dir: Path,
) -> None:
    source = await asyncio.to_thread(text_package, tmp_path)
    status = await asyncio.to_thread(import_until, point, data_dir, source)
    assert status == -signal.SIGKILL
    async with another() as box:
        _, total = await box.store.list_packages(PackageQuery())
        assert total == POINTS[point]
        assert len(await texts(box)) == POINTS[point] * VERSES
        result = await box.importer.import_file(source)
        assert result.action is (ImportAction.SAME if total else ImportAction.NEW)
        assert len(await texts(box)) == VERSES
        assert list(box.config.incoming.iterdir()) == []
        assert len(list(box.config.packages.iterdir())) == 1


async def test_cancelling_keeps_what_was_copied(
    tmp_path: Path, another: Callable[[], AbstractAsyncContextManager[Box]]
) -> None:
    """A stick that is pulled out cancels its import."""
    source = await asyncio.to_thread(text_package, tmp_path, words="word " * 50, verses=15_000)
    assert source.stat().st_size > 3 * CHUNK
    async with another() as box:
        task = asyncio.create_task(box.importer.import_file(source))
        while not list(box.config.incoming.glob("*.part")):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await box.store.list_packages(PackageQuery()) == ([], 0)
        assert (await box.importer.import_file(source)).action is ImportAction.NEW
