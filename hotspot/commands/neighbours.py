"""`hotspot neighbours` and `hotspot fetch`: what hotspots near this one have."""

import sys
from typing import Any

import click

from hotspot.commands.asking import ask
from hotspot.printing import reports
from hotspot.printing.output import JSON, Load, report


@click.command()
@JSON
@click.pass_obj
def neighbours(load: Load, as_json: bool) -> None:
    """List the hotspots near this one, and their packages."""
    report(ask(load(), "neighbours"), as_json, _neighbours)


@click.command()
@click.argument("neighbour")
@click.argument("package_id")
@JSON
@click.pass_obj
def fetch(load: Load, neighbour: str, package_id: str, as_json: bool) -> None:
    """Fetch a package from a neighbour (its name, id or address), and import it."""
    result = ask(load(), "fetch", neighbour=neighbour, package_id=package_id)
    report(result, as_json, lambda one: reports.imports([one]))
    if result["outcome"] in reports.FAILED_IMPORTS:
        sys.exit(1)


def _neighbours(found: list[dict[str, Any]]) -> str:
    lines = []
    for one in found:
        lines.append(f"{one['name']}  {one['url']}  {one['id']}")
        for offer in one["packages"]:
            size = offer["sizeInBytes"] / 1e6
            lines.append(f"  {offer['packageId']}  {offer['packageVersion']}  {size:.1f} MB")
    return "\n".join(lines) or "There is no other hotspot near here."
