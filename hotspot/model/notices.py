"""What a hotspot tells those who listen: states as they are now, in the format of event streams.

Each notice is a whole state, so that whoever missed some is told all that matters by the next.
"""

from enum import StrEnum

import msgspec

from hotspot.model.wire import Message


class Topic(StrEnum):
    """What a notice is about."""

    CATALOGUE = "catalogue"
    IMPORTS = "imports"
    STICKS = "sticks"
    SYNC = "sync"
    CONFLICTS = "conflicts"


class CatalogueNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """The catalogue changed, or is told for the first time: it is at `revision` now."""

    revision: str


class ImportNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """A package file that is being imported; `left_seconds`: None while that is not known."""

    source: str
    phase: str
    done: int
    total: int
    left_seconds: float | None


class OutcomeNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """What became of a package file, in a word and in a sentence."""

    source: str
    outcome: str
    message: str
    package_id: str | None
    at: str


class ImportsNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """What is being imported, and what became of the last files, the newest last."""

    under_way: list[ImportNotice]
    latest: list[OutcomeNotice]


class StickNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """How one stick that is plugged in fares."""

    name: str
    state: str
    message: str


class SticksNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """All sticks, and the one thing that a light would show."""

    indication: str
    sticks: list[StickNotice]


class SyncNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """How syncing with the server goes. `reachable`: None where there is no server to sync with.

    `pending`: edits that wait. `message`: how the last session ended; None before any has.
    """

    reachable: bool | None
    under_way: bool
    pending: int
    message: str | None


class ConflictsNotice(Message, frozen=True, kw_only=True, omit_defaults=False):
    """How many conflicts wait for a person."""

    waiting: int


Notice = CatalogueNotice | ImportsNotice | SticksNotice | SyncNotice | ConflictsNotice

HEARTBEAT = b":\n\n"
"""A comment: it tells both sides that the other is there."""


def retry(seconds: int) -> bytes:
    """What tells a client how long to wait before it connects again."""
    return b"retry: %d\n\n" % (seconds * 1_000)


def format_event(topic: Topic, notice: Notice, event_id: str | None = None) -> bytes:
    """One event as it is sent; JSON has no line ends, so that its data is one line.

    `event_id`: what the client will name when it connects again.
    """
    lines = [f"event: {topic}".encode()]
    if event_id is not None:
        lines.append(f"id: {event_id}".encode())
    lines.append(b"data: " + msgspec.json.encode(notice))
    return b"\n".join(lines) + b"\n\n"
