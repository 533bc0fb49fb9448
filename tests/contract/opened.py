"""What the contract suite gets from each kind of store, and the records that it works with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from hotspot.model import records
from hotspot.model.conflicts import ConflictStore
from hotspot.model.reading import TableReader
from hotspot.model.records import Record, Value
from hotspot.model.stores import (
    Accepted,
    Device,
    DeviceStore,
    FeedPage,
    FeedQuery,
    Loser,
    Provenance,
    RecordStore,
)
from hotspot.model.tables import BY_NAME, Scope, ScopeKind

DEVICE = Device(id="d0000000-0000-4000-8000-000000000001", name="Phone", role="editor")
AUTHOR = "a0000000-0000-4000-8000-000000000001"
LANGUAGE = "e0000000-0000-4000-8000-000000000001"
TEXT = Scope(ScopeKind.TEXT, "b0000000-0000-4000-8000-000000000001")
OTHER_TEXT = Scope(ScopeKind.TEXT, "b0000000-0000-4000-8000-000000000002")
AUDIO = Scope(ScopeKind.AUDIO, "c0000000-0000-4000-8000-000000000001")
T0 = "2026-11-22T10:00:00.000Z"
T1 = "2026-11-22T10:00:01.500Z"
T2 = "2026-11-22T10:00:03.000Z"


class Store(RecordStore, DeviceStore, TableReader, Protocol):
    """What both kinds of store are."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An empty store, and what the protocols leave out because only tests need it.

    `seed`: makes records current as an import would, in one transaction.
    `losers`: all losing versions that were kept, in the order in which they were.
    `add_device`: a device (DEVICE exists already) and the SHA-256 of its token.
    `revoke`: revokes the device of this id.
    `add_pairing`: a pairing code's SHA-256, and for how many milliseconds from T1 it is valid.
    `conflicts`: the losing versions of this store.
    """

    store: Store
    seed: Callable[[Sequence[Record]], Awaitable[None]]
    losers: Callable[[], Awaitable[Sequence[Loser]]]
    add_device: Callable[[Device, str], Awaitable[None]]
    revoke: Callable[[str], Awaitable[None]]
    add_pairing: Callable[[str, int], Awaitable[None]]
    conflicts: ConflictStore


def uuid(number: int) -> str:
    """A record id; those of greater numbers sort later."""
    return str(UUID(int=(0xF << 124) | (4 << 76) | (8 << 60) | number))


def version_row(scope: Scope, updated_at: str = T0) -> Record:
    """The row of a text or audio version itself."""
    table = "text_versions" if scope.kind is ScopeKind.TEXT else "audio_versions"
    fields: dict[str, Value] = {"language_entity_id": LANGUAGE, "name": "A version"}
    return records.build(BY_NAME[table], scope.id, {**fields, "created_at": updated_at}, updated_at)


def verse(
    number: int, text: str = "In the beginning", updated_at: str = T0, scope: Scope = TEXT
) -> Record:
    """A verse of a text version; its id and verse id follow from `number` and the version."""
    fields: dict[str, Value] = {
        "verse_id": f"gen-1-{number}",
        "text_version_id": scope.id,
        "verse_text": text,
        "version": 1,
        "created_at": T0,
        "created_by": AUTHOR,
        "updated_by": AUTHOR,
    }
    shift = 0 if scope == TEXT else 1 << 32
    return records.build(BY_NAME["verse_texts"], uuid(number + shift), fields, updated_at)


def media_file(number: int, updated_at: str = T0, **fields: Value) -> Record:
    """A chapter's audio."""
    base: dict[str, Value] = {"language_entity_id": LANGUAGE, "audio_version_id": AUDIO.id}
    return records.build(
        BY_NAME["media_files"], uuid(number + (2 << 32)), {**base, **fields}, updated_at
    )


def timing(number: int, start: float, updated_at: str = T0) -> Record:
    """Where one verse is spoken."""
    fields: dict[str, Value] = {
        "media_file_id": uuid(2 << 32),
        "verse_id": f"gen-1-{number}",
        "start_time_seconds": start,
        "duration_seconds": 2.25,
        "denormalized_audio_version_id": AUDIO.id,
    }
    return records.build(
        BY_NAME["media_files_verses"], uuid(number + (3 << 32)), fields, updated_at
    )


def edited(record: Record, text: str, updated_at: str) -> Record:
    """A verse with another text."""
    return records.make(record, updated_at, {**record.values, "verse_text": text})


def accepted(record: Record, replaced: Record | None = None) -> Accepted:
    """An edit by DEVICE that stands."""
    return Accepted(record, replaced, Provenance(device_id=DEVICE.id, changed_by=AUTHOR))


async def accept(store: RecordStore, *edits: Accepted) -> None:
    """Commits these edits in one transaction."""
    await store.write(lambda tx: tx.accept(edits))


async def read(
    store: RecordStore, *scopes: tuple[Scope, str | None], limit: int = 1_000
) -> FeedPage:
    """One page of the feed."""
    return await store.read_changes(FeedQuery(scopes=scopes, limit=limit))


async def drain(
    store: RecordStore, scope: Scope, token: str | None = None, limit: int = 1_000
) -> tuple[list[Record], str | None]:
    """All there is after `token`, page by page, and the position that it leads to."""
    found: list[Record] = []
    while True:
        page = await read(store, (scope, token), limit=limit)
        assert len(page.records) <= limit
        found += page.records
        token = page.scopes[0].token
        if not page.scopes[0].has_more:
            return found, token
        assert page.records, "a page that promises more must bring something"
