"""`hotspot import`, with its progress and Ctrl-C; `hotspot imports`; `hotspot export`."""

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import click

from hotspot.commands.asking import Ask, ask, asker
from hotspot.config import Config
from hotspot.model.progress import Progress, in_words
from hotspot.printing import reports
from hotspot.printing.listing import Listing
from hotspot.printing.output import JSON, Load, report

LOOK_EVERY_S = 0.3
LINE_EVERY_S = 5.0

Job = dict[str, Any]


class Show(Protocol):
    """Shows what is under way."""

    def __call__(self, jobs: Sequence[Job], now: float) -> None: ...


async def import_paths(settings: Config, paths: Sequence[str], show: Show) -> list[dict[str, Any]]:
    """Imports absolute `paths`, and shows how far it is; Ctrl-C stops what has not ended.

    Returns what became of each file.
    """
    request = uuid4().hex
    loop = asyncio.get_running_loop()
    async with asker(settings) as asked:
        arguments = {"paths": list(paths), "request": request}
        work = asyncio.create_task(asked("import", arguments))
        stopping = asyncio.Event()
        loop.add_signal_handler(signal.SIGINT, stopping.set)
        try:
            while not (await asyncio.wait([work], timeout=LOOK_EVERY_S))[0]:
                if stopping.is_set():
                    await asked("cancel-import", {"request": request})
                else:
                    show(await _jobs(asked, request), loop.time())
            result: list[dict[str, Any]] = await work
        finally:
            loop.remove_signal_handler(signal.SIGINT)
    return result


async def _jobs(asked: Ask, request: str) -> list[Job]:
    jobs: list[Job] = await asked("importing", {})
    return [job for job in jobs if job["request"] == request]


@contextmanager
def shown(*, quiet: bool) -> Iterator[Show]:
    """A bar on a terminal, now and then a line elsewhere, both on stderr; nothing if `quiet`."""
    if quiet:
        yield lambda jobs, now: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _Lines()


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, words="")

        def show(jobs: Sequence[Job], now: float) -> None:
            if jobs:
                told = {"description": jobs[0]["source"], "words": line(jobs)}
                bars.update(task, completed=jobs[0]["done"], total=jobs[0]["total"], **told)

        yield show


class _Lines:
    """A line every few seconds: logs are read by people too."""

    def __init__(self) -> None:
        self._next: float | None = None

    def __call__(self, jobs: Sequence[Job], now: float) -> None:
        if self._next is None:
            self._next = now + LINE_EVERY_S
        elif jobs and now >= self._next:
            self._next = now + LINE_EVERY_S
            click.echo(f"{jobs[0]['source']}: {line(jobs)}", err=True)


def line(jobs: Sequence[Job]) -> str:
    """How far the first is, and how many wait behind it."""
    first = jobs[0]
    words = str(first["phase"])
    if first["phase"] == "copying":
        words = in_words(
            Progress(first["done"], first["total"], first["rate"], first["leftSeconds"])
        )
    return words if len(jobs) == 1 else f"{words}; {len(jobs) - 1} more wait"


@click.group(cls=Listing)
def imports() -> None:
    """List what is being imported and what became of the rest, or stop an import."""


@imports.command(name="list")
@JSON
@click.pass_obj
def list_imports(load: Load, as_json: bool) -> None:
    """List what is being imported, and what became of the files that were met."""
    settings = load()
    jobs, kept = ask(settings, "importing"), ask(settings, "imports")
    report([*jobs, *kept], as_json, lambda _: _listed(jobs, kept))


def _listed(jobs: Sequence[Job], kept: Sequence[dict[str, Any]]) -> str:
    under_way = [f"{job['job']}  {job['source']}: {line([job])}" for job in jobs]
    ended = [f"{one['at']}  {one['message']}" for one in kept]
    return "\n".join([*ended, *under_way]) or "No package file was met yet."


@imports.command()
@click.argument("job", metavar="ID", type=int)
@click.pass_obj
def cancel(load: Load, job: int) -> None:
    """Stop an import; what is copied stays, and the next time it goes on from there."""
    (source,) = ask(load(), "cancel-import", job=job)["cancelled"]
    click.echo(f"The import of {source} is stopped.")


@click.command()
@click.argument("package_id")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@JSON
@click.pass_obj
def export(load: Load, package_id: str, folder: Path, as_json: bool) -> None:
    """Write a package's file to a folder, such as a stick's, and see that it is there."""
    arguments = {"package_id": package_id, "folder": str(folder.resolve())}
    report(ask(load(), "export-package", **arguments), as_json, reports.exported)


@click.command(name="import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@JSON
@click.pass_obj
def import_(load: Load, paths: tuple[Path, ...], as_json: bool) -> None:
    """Import package files, or all packages in a folder; Ctrl-C stops, the next time goes on."""
    with shown(quiet=as_json) as show:
        found = [str(path.resolve()) for path in paths]
        results = asyncio.run(import_paths(load(), found, show))
    report(results, as_json, reports.imports)
    if any(result["outcome"] in reports.FAILED_IMPORTS for result in results):
        sys.exit(1)
