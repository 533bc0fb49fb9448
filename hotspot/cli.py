"""The `hotspot` command. Exit status: 0 done, 1 failed (one sentence on stderr), 2 usage."""

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from hotspot import __version__, config
from hotspot.config import Config
from hotspot.errors import ConfigError, HotspotError
from hotspot.listing import Listing

ELSEWHERE = {
    "conflicts": "hotspot.deciding",
    "export": "hotspot.importing",
    "fetch": "hotspot.fetching",
    "imports": "hotspot.importing",
    "neighbours": "hotspot.fetching",
    "package": "hotspot.package.commands",
    "upstream": "hotspot.upstream.commands",
}
"""Groups that are loaded only when they are asked for, each from its module's name of it."""


class Commands(click.Group):
    """Turns our errors into one sentence on stderr and exit status 1; knows ELSEWHERE's groups."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        elsewhere = [name for name in ELSEWHERE if name != "upstream" or _has_upstream()]
        return sorted([*super().list_commands(ctx), *elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        if cmd_name == "upstream" and not _has_upstream():
            raise HotspotError(
                "The server's part is not installed: install the extra 'upstream' of this project."
            )
        command: click.Command = getattr(import_module(ELSEWHERE[cmd_name]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(f"hotspot: {problem}", err=True)
        except HotspotError as error:
            click.echo(f"hotspot: {error}", err=True)
        raise click.exceptions.Exit(1)


def _has_upstream() -> bool:
    return find_spec("asyncpg") is not None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hotspot")
@click.option("--config", "path", type=click.Path(path_type=Path), help="Settings (TOML) to read.")
@click.pass_context
def main(ctx: click.Context, path: Path | None) -> None:
    """A distribution hotspot: sticks in, phones served, edits carried to the server."""
    ctx.obj = partial(config.load, path)


JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
Load = Callable[[], Config]


@main.command()
@click.pass_obj
def run(load: Load) -> None:
    """Run the hotspot until it is told to stop."""
    from hotspot import daemon

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(daemon.run(load()))


def ask(settings: Config, operation: str, **arguments: Any) -> Any:
    """The operation's result: from the running daemon, or from the store itself."""
    from hotspot.asking import ask_or_open

    return asyncio.run(ask_or_open(settings, operation, arguments))


def report(result: Any, as_json: bool, text: Callable[[Any], str]) -> None:
    """Prints a result: as JSON, or as `text` makes it readable."""
    click.echo(json.dumps(result, ensure_ascii=False, indent=1) if as_json else text(result))


@main.command()
@JSON
@click.pass_obj
def status(load: Load, as_json: bool) -> None:
    """Say how the hotspot is."""
    from hotspot import reports

    report(ask(load(), "status"), as_json, reports.status)


@main.command(name="import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@JSON
@click.pass_obj
def import_(load: Load, paths: tuple[Path, ...], as_json: bool) -> None:
    """Import package files, or all packages in a folder; Ctrl-C stops, the next time goes on."""
    from hotspot import importing, reports

    with importing.shown(quiet=as_json) as show:
        found = [str(path.resolve()) for path in paths]
        results = asyncio.run(importing.import_paths(load(), found, show))
    report(results, as_json, reports.imports)
    if any(result["outcome"] in reports.FAILED_IMPORTS for result in results):
        sys.exit(1)


@main.command()
@JSON
@click.pass_obj
def sync(load: Load, as_json: bool) -> None:
    """Sync with the upstream now."""
    from hotspot import reports

    report(ask(load(), "sync"), as_json, reports.session)


@main.group(cls=Listing)
def packages() -> None:
    """List the packages here, remove one, or let its rows go up."""


@packages.command(name="list")
@JSON
@click.pass_obj
def list_packages(load: Load, as_json: bool) -> None:
    """List the packages that phones can download, and say which were not imported and why."""
    from hotspot import reports

    settings = load()
    report(ask(settings, "packages"), as_json, reports.packages)
    if not as_json and (failed := reports.not_imported(ask(settings, "imports"))):
        click.echo(failed)


@packages.command(name="remove")
@click.argument("package_id")
@click.pass_obj
def remove_package(load: Load, package_id: str) -> None:
    """Take a package away, and the records that no other package here holds.

    Edits that wait for the server, and records in conflict, stay.
    """
    ask(load(), "remove-package", package_id=package_id)
    click.echo(f"Package {package_id} is removed.")


@packages.command()
@click.argument("package_id")
@click.pass_obj
def approve(load: Load, package_id: str) -> None:
    """Let a package's rows go up to the server, where it lacks them."""
    ask(load(), "approve-package", package_id=package_id)
    click.echo(f"Package {package_id} is approved: its rows go up with the next session.")


SCOPES = click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="ID",
    help="A text or audio version that an editor is limited to; may be given several times.",
)


@main.group()
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
    from hotspot import reports

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
    from hotspot import reports

    report(ask(load(), "undo-device", device_id=device_id), as_json, reports.undone)
