"""`hotspot conflicts`: what a person decides, and what they bring back."""

import click

from hotspot.commands.asking import ask
from hotspot.printing import reports
from hotspot.printing.listing import Listing
from hotspot.printing.output import JSON, Load, report


@click.group(cls=Listing)
def conflicts() -> None:
    """Decide conflicts, and bring back versions that lost."""


@conflicts.command(name="list")
@JSON
@click.pass_obj
def list_conflicts(load: Load, as_json: bool) -> None:
    """List the conflicts that wait for a person."""
    report(ask(load(), "conflicts"), as_json, reports.conflicts)


@conflicts.command()
@click.option("--record", help="Only versions of the record with this id.")
@JSON
@click.pass_obj
def losers(load: Load, record: str | None, as_json: bool) -> None:
    """List the versions that lost, open conflicts among them."""
    report(ask(load(), "losing-versions", record_id=record), as_json, reports.losers)


@conflicts.command()
@click.argument("number", metavar="ID", type=int)
@JSON
@click.pass_obj
def show(load: Load, number: int, as_json: bool) -> None:
    """Show both versions of a conflict, and who made them when."""
    report(ask(load(), "conflict", number=number), as_json, reports.conflict)


@conflicts.command()
@click.argument("number", metavar="ID", type=int)
@click.argument("version", type=click.Choice(["local", "server"]))
@JSON
@click.pass_obj
def keep(load: Load, number: int, version: str, as_json: bool) -> None:
    """Close a conflict: keep the local version, or the one that stands."""
    kept = ask(load(), "keep-conflict", number=number, version=version)
    report(kept, as_json, reports.decided)


@conflicts.command()
@click.argument("number", metavar="ID", type=int)
@JSON
@click.pass_obj
def restore(load: Load, number: int, as_json: bool) -> None:
    """Bring back a version that lost, as an edit."""
    report(ask(load(), "restore-version", number=number), as_json, reports.decided)
