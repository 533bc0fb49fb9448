"""`hotspot upstream`: the server's side."""

import asyncio
import logging
from pathlib import Path

import click

from hotspot.model.downloads import PackageDownloads
from hotspot.model.fleet import Box
from hotspot.printing.output import JSON, Load, show
from hotspot.upstream import administration, running
from hotspot.upstream.administration import Imported, Status
from hotspot.upstream.deciding import conflicts
from hotspot.upstream.registering import add_device, devices


@click.group()
def upstream() -> None:
    """Run and look after the server that hotspots sync with."""


KEEP = click.option(
    "--keep",
    metavar="DAYS",
    type=click.IntRange(1, 36_500),
    default=90,
    show_default=True,
    help="How long the change log keeps what later changes superseded.",
)


@upstream.command()
@KEEP
@click.pass_obj
def run(load: Load, keep: int) -> None:
    """Serve until told to stop; once a day, shorten the change log."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(running.run(load(), keep))


@upstream.command()
@KEEP
@JSON
@click.pass_obj
def trim(load: Load, keep: int, as_json: bool) -> None:
    """Shorten the change log; no hotspot is cut off by it, however long it was away."""
    done = asyncio.run(administration.trim(load(), keep))
    text = f"{done.removed} entries were removed, {done.emptied} emptied of their contents."
    show(administration.to_json(done), as_json, text)


@upstream.command()
@click.pass_obj
def migrate(load: Load) -> None:
    """Bring the database's schema up to date."""
    number = asyncio.run(administration.migrate_now(load()))
    click.echo(f"The schema is at number {number}.")


@upstream.command()
@JSON
@click.pass_obj
def status(load: Load, as_json: bool) -> None:
    """Say what the database holds."""
    found = asyncio.run(administration.status(load()))
    show(administration.to_json(found), as_json, _status(found))


def _status(found: Status) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in found.records.items())
    lines = [
        f"Epoch {found.epoch}, schema {found.schema_number}. {found.users} users, "
        f"{found.devices} devices. {counts}. {found.losing_versions} losing versions are kept, "
        f"{found.conflicts} conflicts wait.",
        *(f"Alert: {alert.message}" for alert in found.alerts),
        *map(_hotspot, found.hotspots),
        *map(_downloads, found.downloads),
    ]
    return "\n".join(lines)


def _downloads(package: PackageDownloads) -> str:
    """How often one package was asked for, on a line."""
    return (
        f"{package.package_id}: downloaded {package.count} times, {package.last_30_days} in the "
        f"last 30 days, at {package.hotspots} hotspots."
    )


def _hotspot(box: Box) -> str:
    """One hotspot on a line."""
    if box.seen_at is None:
        return f"{box.name} ({box.device_id}): never seen."
    behind = "of an unknown position" if box.behind is None else f"{box.behind} changes behind"
    parts = [f"seen {box.seen_at}", behind]
    if box.last_failure is not None:
        parts.append(f"{box.failed} sessions failed today: {box.last_failure}")
    if (told := box.report) is not None:
        parts += [f"version {told.version}", f"{told.pending} edits wait there"]
        if told.disk_free_bytes is not None:
            parts.append(f"{told.disk_free_bytes / 1e9:.1f} GB free")
        if told.last_error is not None:
            parts.append(f"says: {told.last_error}")
    return f"{box.name} ({box.device_id}): {', '.join(parts)}"


@upstream.command(name="import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@JSON
@click.pass_obj
def import_(load: Load, paths: tuple[Path, ...], as_json: bool) -> None:
    """Load packages: what is new, or newer than here."""
    settings = load()
    done = [asyncio.run(administration.import_package(settings, path)) for path in paths]
    show(administration.to_json(done), as_json, "\n".join(map(_imported, done)))


def _imported(one: Imported) -> str:
    counts = (f"  {name}: {one.written[name]} of {rows}" for name, rows in one.rows.items() if rows)
    return "\n".join([f"{one.package_id}: rows written", *counts])


@upstream.command()
@click.option("--name", required=True, help="The person's name.")
@JSON
@click.pass_obj
def add_user(load: Load, name: str, as_json: bool) -> None:
    """Register a person."""
    made = asyncio.run(administration.add_user(load(), name))
    show(administration.to_json(made), as_json, f"User {made.user_id}.")


@upstream.command()
@JSON
@click.pass_obj
def new_epoch(load: Load, as_json: bool) -> None:
    """Make every client start over, as is needed after the database was restored."""
    made = asyncio.run(administration.new_epoch(load()))
    show(administration.to_json(made), as_json, f"The epoch is {made.epoch} now.")


for command in (add_device, conflicts, devices):
    upstream.add_command(command)
