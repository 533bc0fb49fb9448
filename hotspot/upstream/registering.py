"""`hotspot upstream add-device` and `devices`: who may upload."""

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from hotspot.config import Config
from hotspot.errors import NotFound
from hotspot.printing import reports
from hotspot.printing.listing import Listing
from hotspot.printing.output import JSON, Load, show
from hotspot.upstream import administration, boxes
from hotspot.upstream import devices as registered
from hotspot.upstream.administration import migrated
from hotspot.upstream.boxes import NewBox


@click.command()
@click.option("--name", required=True, help="What people call the device.")
@click.option(
    "--role",
    type=click.Choice(["hotspot", "editor", "admin", "reader"]),
    default="hotspot",
    show_default=True,
)
@click.option(
    "--scope", "scopes", multiple=True, metavar="ID", help="A version that an editor is limited to."
)
@click.option("--count", type=click.IntRange(1, 10_000), help="So many hotspots, with --out.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a settings file for each hotspot into this folder, and show no tokens.",
)
@click.option("--url", help="With --out: the server's URL, as the hotspots reach it.")
@JSON
@click.pass_obj
def add_device(
    load: Load,
    name: str,
    role: str,
    scopes: tuple[str, ...],
    count: int | None,
    out: Path | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Register a device, and show its token this once; or many, each with a settings file."""
    if out is not None and url is not None and role == "hotspot":
        made = asyncio.run(_add_boxes(load(), name, count or 1, url, out))
        show([msgspec.to_builtins(one) for one in made], as_json, "\n".join(map(_line, made)))
        return
    if (count, out, url) != (None, None, None):
        raise click.UsageError("--count, --out and --url are for hotspots, and go together.")
    one = asyncio.run(administration.add_device(load(), name, role, scopes))
    text = f"Device {one.device_id}\nToken {one.token}"
    show(administration.to_json(one), as_json, text)


async def _add_boxes(config: Config, name: str, count: int, url: str, out: Path) -> list[NewBox]:
    async with migrated(config) as connection:
        return list(await boxes.add_boxes(connection, name, count, url, out))


def _line(box: NewBox) -> str:
    return f"{box.device_id}  {box.name}  {box.file}"


@click.group(cls=Listing)
def devices() -> None:
    """List the devices, or revoke one."""


@devices.command(name="list")
@JSON
@click.pass_obj
def list_devices(load: Load, as_json: bool) -> None:
    """List every device that was registered."""

    async def listed(config: Config) -> list[Any]:
        async with migrated(config) as connection:
            return [msgspec.to_builtins(one) for one in await registered.list_devices(connection)]

    found = asyncio.run(listed(load()))
    show(found, as_json, reports.devices(found))


@devices.command()
@click.argument("device_id", type=click.UUID)
@click.pass_obj
def revoke(load: Load, device_id: object) -> None:
    """Take a device's right to upload away."""

    async def revoked(config: Config) -> bool:
        async with migrated(config) as connection:
            return await registered.revoke(connection, str(device_id))

    if not asyncio.run(revoked(load())):
        raise NotFound(f"There is no device {device_id} here.")
    click.echo(f"Device {device_id} may not upload any more.")
