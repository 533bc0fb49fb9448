"""Versions that lost: which of them wait for a person, and how one is brought back.

A conflict is a losing version whose resolution is 'manual'. It is open for as long as the text that
stood against it does; whatever replaces that closes it, and the version stays listed as a loser.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec
from msgspec.structs import replace

from hotspot.errors import NotFound
from hotspot.model import instants
from hotspot.model.records import Record, Values
from hotspot.model.stores import Accepted, Loser, Provenance
from hotspot.model.wire import Message

OVERRULED = "A person chose the other version."


class Choice(StrEnum):
    """What a person keeps: the version that lost here, or the one that stands."""

    LOCAL = "local"
    SERVER = "server"


class KeepRequest(Message, frozen=True, kw_only=True):
    """`POST conflicts/{id}/keep`."""

    version: Choice


class KeptVersion(Message, frozen=True, kw_only=True, omit_defaults=False):
    """A version that lost (`local_record`), and the row that stands now (`server_record`).

    `resolution`: 'manual' while a person is asked, 'local_wins' or 'server_wins' afterwards.
    `device_id`, `device_name`: who sent the edit that it was about, where that is known.
    """

    id: int
    table: str
    record_id: str
    local_record: Values
    server_record: Values | None
    resolution: str
    reason: str
    kept_at: str
    device_id: str | None = None
    device_name: str | None = None


class KeptVersions(Message, frozen=True, kw_only=True, omit_defaults=False):
    """`GET conflicts`: one page of them, newest first."""

    conflicts: list[KeptVersion]


class KeptQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which losing versions to list, newest first. `waiting`: open conflicts only."""

    waiting: bool = False
    record_id: str | None = None
    limit: int = 100
    offset: int = 0


class ConflictStore(Protocol):
    """Where losing versions are kept until a person wants one of them."""

    async def kept_versions(self, query: KeptQuery) -> Sequence[KeptVersion]:
        """One page of the list."""

    async def kept_version(self, number: int) -> KeptVersion:
        """One of them. Raises NotFound."""

    async def keep(self, number: int, choice: Choice, device_id: str | None = None) -> None:
        """Closes the open conflict by what a person chose; `device_id`: on which device.

        What is chosen against the row that stands becomes an edit of it, and syncs like any other.
        Raises NotFound where no such conflict is open: the person has not seen what stands now.
        """

    async def restore(self, number: int, device_id: str | None = None) -> None:
        """Makes a losing version current again, as an edit. Raises NotFound."""


def as_left(loser: Loser, current: Record | None) -> Loser:
    """A loser of a batch as the whole batch leaves it: a row that moved on asks nobody."""
    if loser.resolution != "manual" or current is None or current.version == loser.winner:
        return loser
    return replace(loser, resolution="server_wins")


def brought_back(lost: Record, current: Record | None, now: str) -> Record:
    """The edit that makes the content of `lost` current again: made now, on what stands."""
    if current is None:
        return replace(lost.stamped(now), former=None, doubt_ms=0)
    stamp = max(now, instants.later(current.updated_at, 1))
    return replace(lost.stamped(stamp), id=current.id, former=None, doubt_ms=0)


class Restoration(msgspec.Struct, frozen=True):
    """What a store writes to make a losing version current: an edit, and what it overrules."""

    edit: Accepted
    overruled: Sequence[Loser]


def restoration(
    lost: Record, standing: Record | None, now: str, provenance: Provenance
) -> Restoration:
    """Bringing `lost` back against the row that stands; `provenance`: who chose it, and where."""
    record = brought_back(lost, standing, now)
    overruled = []
    if standing is not None and standing.hash != record.hash:
        overruled = [Loser(standing, record.version, "local_wins", OVERRULED, provenance.device_id)]
    return Restoration(Accepted(record, standing, provenance), overruled)


def kept_version(
    lost: Record,
    standing: Record | None,
    *,
    number: int,
    resolution: str,
    reason: str,
    kept_at: str,
    device_id: str | None,
    device_name: str | None,
) -> KeptVersion:
    """One entry of the list, from what a store keeps of it and the row that stands now."""
    return KeptVersion(
        id=number,
        table=lost.table,
        record_id=lost.id,
        local_record=lost.to_wire(),
        server_record=standing.to_wire() if standing is not None else None,
        resolution=resolution,
        reason=reason,
        kept_at=kept_at,
        device_id=device_id,
        device_name=device_name,
    )


def no_such(number: int) -> NotFound:
    """Why there is nothing to show or to bring back."""
    return NotFound(f"No version with the number {number} was kept here.")


def closed(number: int) -> NotFound:
    """Why there is nothing to decide."""
    return NotFound(f"Conflict {number} is closed: the record has moved on since.")
