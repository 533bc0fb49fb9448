"""The `hotspot` command. Exit status: 0 done, 1 failed (one sentence on stderr), 2 usage."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from hotspot import __version__, config
from hotspot.errors import ConfigError, HotspotError

ELSEWHERE = {
    "conflicts": "hotspot.commands.conflicts",
    "devices": "hotspot.commands.devices",
    "export": "hotspot.commands.importing",
    "fetch": "hotspot.commands.neighbours",
    "import": "hotspot.commands.importing",
    "imports": "hotspot.commands.importing",
    "neighbours": "hotspot.commands.neighbours",
    "package": "hotspot.package.commands",
    "packages": "hotspot.commands.packages",
    "status": "hotspot.commands.status",
    "sync": "hotspot.commands.status",
    "upstream": "hotspot.upstream.commands",
}
"""Commands are loaded only when they are asked for, each from its module's name of it."""


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
        attribute = cmd_name + "_" * iskeyword(cmd_name)
        command: click.Command = getattr(import_module(ELSEWHERE[cmd_name]), attribute)
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


@main.command()
@click.pass_obj
def run(load: Callable[[], config.Config]) -> None:
    """Run the hotspot until it is told to stop."""
    from hotspot import daemon

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(daemon.run(load()))
