"""`hotspot import` as a person sees it: how far it is, Ctrl-C, and what is said of it later."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hotspot.commands.importing import Job, _Lines, import_paths, line
from hotspot.config import Config
from hotspot.control.channel import control_app
from hotspot.control.operations import perform
from hotspot.daemon import Core, open_core
from hotspot.events import ImportProgress
from hotspot.http.serving import serve_unix
from hotspot.model.plan import ImportAction
from hotspot.package.copying import CHUNK
from tests.support.packages import combined_package, text_package

SIZE = 6_000_000


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data", drives_folder=tmp_path / "sticks")


@pytest.fixture
async def core(config: Config) -> AsyncIterator[Core]:
    """A hotspot that answers on its control socket."""
    async with (
        open_core(config) as core,
        serve_unix(control_app(core.operations, core.clock), config.control_socket),
    ):
        yield core


@pytest.fixture
def big(tmp_path: Path) -> Path:
    return combined_package(tmp_path / "stick", "big", size=SIZE)


@pytest.fixture
def slow_stick(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A stick that gives 3 MB, and the rest once the event is set; the copy is the real one."""
    from hotspot.importer import pipeline

    real, go = pipeline.copy, threading.Event()

    def slow(*arguments: Any, **more: Any) -> Any:
        progress: Callable[[int], None] = arguments[4]
        stopped: Callable[[], bool] = arguments[5]

        def told(done: int) -> None:
            progress(done)
            while done >= 3 * CHUNK and not stopped() and not go.wait(0.01):
                continue

        return real(*arguments[:4], told, *arguments[5:], **more)

    monkeypatch.setattr(pipeline, "copy", slow)
    return go


async def hotspot(config: Config, *arguments: str | Path) -> asyncio.subprocess.Process:
    """The command, in a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hotspot",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOTSPOT_DATA_DIR": str(config.data_dir)},
    )


async def copying(core: Core) -> Job:
    """The import that copies, once one does."""
    async with asyncio.timeout(60):
        while True:
            for job in await perform(core.operations, "importing", {}):
                if job["phase"] == "copying" and CHUNK < job["done"] < job["total"]:
                    return job
            await asyncio.sleep(0.01)


async def went_on_at(core: Core, big: Path, part_size: int) -> None:
    """The next import has all that the one before had copied."""
    with core.bus.listen(ImportProgress) as events:
        result = await core.importer.import_file(big)
    assert result.action is ImportAction.NEW
    first = events.waiting()[0]
    assert isinstance(first, ImportProgress)
    assert 0 < part_size < big.stat().st_size
    assert list((core.config.data_dir / "incoming").iterdir()) == []


def part_size(core: Core) -> int:
    (part,) = core.config.incoming.glob("*.part")
    return part.stat().st_size


async def test_ctrl_c_stops_the_daemons_import_and_keeps_what_is_copied(
    core: Core, config: Config, big: Path, slow_stick: threading.Event
) -> None:
    process = await hotspot(config, "import", big)
    job = await copying(core)
    assert (job["source"], job["total"]) == (big.name, big.stat().st_size)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 1
    assert f"{big.name} was stopped; the next time it goes on where it was." in out.decode()
    assert "Traceback" not in err.decode()
    assert core.importer.jobs == {}
    slow_stick.set()
    await went_on_at(core, big, part_size(core))


async def test_an_import_is_stopped_by_its_number(
    core: Core, config: Config, big: Path, slow_stick: threading.Event
) -> None:
    await asyncio.to_thread(text_package, big.parent)
    folder = asyncio.create_task(core.importer.import_folder(big.parent))
    job = await copying(core)
    process = await hotspot(config, "imports", "cancel", str(job["job"]))
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, f"The import of {big.name} is stopped.\n")
    assert [one.action for one in await folder] == [ImportAction.NEW, ImportAction.CANCELLED]
    again = await hotspot(config, "imports", "cancel", str(job["job"]))
    _, err = await again.communicate()
    assert again.returncode == 1
    assert "it has ended, or never began" in err.decode()


async def test_without_a_daemon_ctrl_c_keeps_what_is_copied_too(
    config: Config, big: Path, slow_stick: threading.Event
) -> None:
    seen: list[Job] = []

    def show(jobs: Sequence[Job], now: float) -> None:
        seen.extend(jobs)
        if any(job["phase"] == "copying" for job in jobs):
            os.kill(os.getpid(), signal.SIGINT)

    (result,) = await import_paths(config, [str(big)], show)
    assert result["outcome"] == "cancelled"
    assert {job["phase"] for job in seen} <= {"waiting", "copying"}
    async with open_core(config) as core:
        slow_stick.set()
        await went_on_at(core, big, part_size(core))


async def test_what_was_not_imported_is_said_everywhere_alike(
    core: Core, config: Config, tmp_path: Path
) -> None:
    good = await asyncio.to_thread(text_package, tmp_path / "stick")
    bad = good.with_name("bad.bible")
    bad.write_bytes(good.read_bytes()[:-1])
    done = await hotspot(config, "import", tmp_path / "stick", "--json")
    out, _ = await done.communicate()
    assert done.returncode == 1
    told = {one["outcome"]: one["message"] for one in json.loads(out)}
    assert told["refused"].startswith("bad.bible: The package is cut off")
    for command in ("packages", "status", "imports"):
        out, _ = await (await hotspot(config, command)).communicate()
        assert told["refused"] in out.decode(), command
    bad.write_bytes(good.read_bytes())
    await core.importer.import_file(bad)
    out, _ = await (await hotspot(config, "packages")).communicate()
    assert "Not imported" not in out.decode()


def test_where_there_is_no_terminal_a_line_comes_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = {
        "source": "big.bible",
        "phase": "copying",
        "done": 120 * 10**6,
        "total": 480 * 10**6,
        "rate": 7.5e6,
        "leftSeconds": 48.0,
    }
    show = _Lines()
    for second in range(12):
        show([first, {"phase": "waiting"}], float(second))
    said = "big.bible: 120 of 480 MB, 7.5 MB/s, 48 s left; 1 more wait\n"
    assert capsys.readouterr().err == said * 2
    assert line([{**first, "phase": "checking"}]) == "checking"
