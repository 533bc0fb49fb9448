"""`hotspot status` and `hotspot sync`."""

import click

from hotspot.commands.asking import ask
from hotspot.printing import reports
from hotspot.printing.output import JSON, Load, report


@click.command()
@JSON
@click.pass_obj
def status(load: Load, as_json: bool) -> None:
    """Say how the hotspot is."""
    report(ask(load(), "status"), as_json, reports.status)


@click.command()
@JSON
@click.pass_obj
def sync(load: Load, as_json: bool) -> None:
    """Sync with the upstream now."""
    report(ask(load(), "sync"), as_json, reports.session)
