"""`hotspot packages`: what phones can download."""

import click

from hotspot.commands.asking import ask
from hotspot.printing import reports
from hotspot.printing.listing import Listing
from hotspot.printing.output import JSON, Load, report


@click.group(cls=Listing)
def packages() -> None:
    """List the packages here, remove one, or let its rows go up."""


@packages.command(name="list")
@JSON
@click.pass_obj
def list_packages(load: Load, as_json: bool) -> None:
    """List the packages that phones can download, and say which were not imported and why."""
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
