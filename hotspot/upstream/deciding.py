"""`hotspot upstream conflicts`: what a person decides on the server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from hotspot.config import Config
from hotspot.model.conflicts import Choice, KeptQuery, KeptVersion
from hotspot.printing import reports
from hotspot.printing.listing import Listing
from hotspot.printing.output import JSON, Load, show
from hotspot.upstream.administration import migrated
from hotspot.upstream.conflicts import PostgresConflicts

LISTED = 1_000
T = TypeVar("T")


@click.group(cls=Listing)
def conflicts() -> None:
    """Decide conflicts on the server, and bring back versions that lost."""


@conflicts.command(name="list")
@JSON
@click.pass_obj
def list_conflicts(load: Load, as_json: bool) -> None:
    """List the conflicts that wait for a person."""
    found = _listed(load(), KeptQuery(waiting=True, limit=LISTED))
    show(found, as_json, reports.conflicts(found))


@conflicts.command()
@click.option("--record", type=click.UUID, help="Only versions of the record with this id.")
@JSON
@click.pass_obj
def losers(load: Load, record: object | None, as_json: bool) -> None:
    """List the versions that lost, open conflicts among them."""
    record_id = None if record is None else str(record)
    found = _listed(load(), KeptQuery(record_id=record_id, limit=LISTED))
    show(found, as_json, reports.losers(found))


@conflicts.command(name="show")
@click.argument("number", metavar="ID", type=int)
@JSON
@click.pass_obj
def show_conflict(load: Load, number: int, as_json: bool) -> None:
    """Show both versions of a conflict, and who made them when."""
    one = msgspec.to_builtins(_over(load(), lambda kept: kept.kept_version(number)))
    show(one, as_json, reports.conflict(one))


@conflicts.command()
@click.argument("number", metavar="ID", type=int)
@click.argument("version", type=click.Choice([choice.value for choice in Choice]))
@JSON
@click.pass_obj
def keep(load: Load, number: int, version: str, as_json: bool) -> None:
    """Close a conflict: keep the local version, or the one that stands on the server."""

    async def decide(kept: PostgresConflicts) -> KeptVersion:
        await kept.keep(number, Choice(version))
        return await kept.kept_version(number)

    _show_decided(_over(load(), decide), as_json)


@conflicts.command()
@click.argument("number", metavar="ID", type=int)
@JSON
@click.pass_obj
def restore(load: Load, number: int, as_json: bool) -> None:
    """Bring back a version that lost, as an edit."""

    async def decide(kept: PostgresConflicts) -> KeptVersion:
        await kept.restore(number)
        return await kept.kept_version(number)

    _show_decided(_over(load(), decide), as_json)


def _listed(config: Config, query: KeptQuery) -> list[Any]:
    found = _over(config, lambda kept: kept.kept_versions(query))
    return [msgspec.to_builtins(one) for one in found]


def _show_decided(one: KeptVersion, as_json: bool) -> None:
    chosen = one.resolution == "local_wins"
    text = (
        f"The version {one.id} stands on the server now; hotspots get it with their next sync."
        if chosen
        else "The record stays as it is on the server; the other version is kept."
    )
    show(msgspec.to_builtins(one), as_json, text)


def _over(config: Config, work: Callable[[PostgresConflicts], Awaitable[T]]) -> T:
    async def run() -> T:
        async with migrated(config) as connection:
            return await work(PostgresConflicts(connection))

    return asyncio.run(run())
