"""`hotspot devices`: who may upload."""

import click

from hotspot.commands.asking import ask
from hotspot.printing import reports
from hotspot.printing.output import JSON, Load, report

SCOPES = click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="ID",
    help="A text or audio version that an editor is limited to; may be given several times.",
)


@click.group()
def devices() -> None:
    """Pair phones, list and revoke them."""


@devices.command()
@click.option(
    "--role",
    type=click.Choice(["editor", "reader", "admin"]),
    default="editor",
    show_default=True,
    help="What the phone may do; an admin also decides conflicts.",
)
@SCOPES
@JSON
@click.pass_obj
def pair(load: Load, role: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Show a code with which one phone may pair."""
    report(
        ask(load(), "pair", role=role, scopes=list(scopes)),
        as_json,
        lambda made: f"Code {made['code']}, valid for ten minutes.",
    )


@devices.command(name="add")
@click.option("--name", required=True, help="What people call the device.")
@click.option(
    "--role",
    type=click.Choice(["hotspot", "editor", "reader", "admin"]),
    default="hotspot",
    show_default=True,
    help="What it may do.",
)
@SCOPES
@JSON
@click.pass_obj
def add_device(load: Load, name: str, role: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Register a device without a code, such as a hotspot that syncs with this one."""
    report(
        ask(load(), "add-device", name=name, role=role, scopes=list(scopes)),
        as_json,
        lambda made: f"Device {made['deviceId']}\nToken {made['token']}",
    )


@devices.command(name="list")
@JSON
@click.pass_obj
def list_devices(load: Load, as_json: bool) -> None:
    """List the paired devices."""
    report(ask(load(), "devices"), as_json, reports.devices)


@devices.command()
@click.argument("device_id")
@click.pass_obj
def revoke(load: Load, device_id: str) -> None:
    """Take a device's right to upload away."""
    ask(load(), "revoke-device", device_id=device_id)
    click.echo(f"Device {device_id} may not upload any more.")


@devices.command()
@JSON
@click.pass_obj
def code(load: Load, as_json: bool) -> None:
    """Show the admin code: phones that pair with it decide conflicts, and it does not expire."""
    report(ask(load(), "admin-code"), as_json, lambda made: f"Admin code {made['code']}")


@devices.command()
@click.argument("device_id")
@JSON
@click.pass_obj
def undo(load: Load, device_id: str, as_json: bool) -> None:
    """Take back what a revoked device edited.

    Each record that is as the device left it becomes what it was before; the device's text is kept
    among the versions that lost. What others edited since stays.
    """
    report(ask(load(), "undo-device", device_id=device_id), as_json, reports.undone)
