"""What the protocol needs of a store: written once for SQLite, once for PostgreSQL.

One contract suite (tests/contract) runs against both.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from hotspot.model.aliases import Alias, NaturalKey
from hotspot.model.approvals import ApprovalStore
from hotspot.model.batches import OpenBatch, PendingEdit
from hotspot.model.devices import Device as Device
from hotspot.model.devices import DeviceStore as DeviceStore
from hotspot.model.digest import Range, RowVersion, ScopeDigest
from hotspot.model.merge import Local, Outcome, Sent
from hotspot.model.records import Key, Record
from hotspot.model.sessions import SessionStore, SessionTransaction
from hotspot.model.tables import Scope
from hotspot.model.timeline import Dating

T = TypeVar("T")


class FeedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to read of the feed.

    `scopes`: each with the token up to which the client has read (None: from the start).
    `since`: for scopes without a token, only rows that arrived at or after this instant.
    `tables`: only these (None: all). `limit`: records in all, over all scopes.
    `record_ids`: only these records, whatever the tokens; positions do not move.
    `written`: names of transactions (`RecordTransaction.name`) whose changes the client has
    already; records that nobody changed since are left out.
    """

    scopes: Sequence[tuple[Scope, str | None]]
    limit: int
    since: str | None = None
    tables: Collection[str] | None = None
    record_ids: Sequence[str] | None = None
    written: Sequence[str] = ()


class FeedScope(msgspec.Struct, frozen=True):
    """How far one scope has been read. `known`: whether this store has that version at all."""

    scope: Scope
    token: str | None
    has_more: bool
    known: bool


class FeedPage(msgspec.Struct, frozen=True):
    """Current rows in the feed's order, and the new positions, in the order of the query.

    `aliases`: deleted records among them whose ids name other records now.
    """

    records: Sequence[Record]
    scopes: Sequence[FeedScope]
    aliases: Mapping[Key, Key] = msgspec.field(default_factory=dict)


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where an edit came from, and what can date it later (None: nothing needs to).

    `device_id`: who uploaded it; None: somebody at the machine itself. `changed_by`: who made it,
    if the device says. `note`: a sentence about it for a person.
    """

    device_id: str | None
    changed_by: str | None = None
    dating: Dating | None = None
    note: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """An edit that stands. `replaced`: the row that was current, None for a new record."""

    record: Record
    replaced: Record | None
    provenance: Provenance


class Loser(msgspec.Struct, frozen=True):
    """A version that lost and is kept.

    `resolution`: 'local_wins', 'server_wins' or 'manual' (a person must choose).
    `winner`: the version that stood when it lost.
    """

    record: Record
    winner: str
    resolution: str
    reason: str
    device_id: str | None = None


class StoredAnswer(msgspec.Struct, frozen=True):
    """The answer to a batch that was judged before, and the hash of that batch's body."""

    body_hash: str
    answer: bytes


class RecordTransaction(Protocol):
    """One write transaction, valid inside the `work` given to `RecordStore.write`."""

    async def stored_answer(self, device_id: str, batch_id: str) -> StoredAnswer | None:
        """The answer that this device's batch got, if it was judged before."""

    async def store_answer(
        self, device_id: str, batch_id: str, body_hash: str, answer: bytes
    ) -> None:
        """Keeps the answer with the rows: both are committed, or neither.

        Of each device the newest `batches.ANSWERS_KEPT` stay.
        """

    async def current(self, keys: Collection[Key]) -> dict[Key, Record]:
        """The current rows, locked until the transaction ends; missing ones are left out."""

    async def canonical(self, keys: Collection[Key]) -> dict[Key, Key]:
        """What those of `keys` name that are aliases."""

    async def holders(self, wanted: Collection[NaturalKey]) -> dict[NaturalKey, Record]:
        """The live rows that have these natural keys, locked until the transaction ends."""

    async def known_scopes(self, scopes: Collection[Scope]) -> set[Scope]:
        """Those of `scopes` whose version row this store has."""

    async def take_turns(self, scopes: Collection[Scope]) -> None:
        """Waits for other transactions that took a turn to add rows of one of these versions.

        To be taken before anything else is asked for: who adds the same rows in another order
        would otherwise wait for this one, and this one for them.
        """

    async def accept(self, edits: Sequence[Accepted]) -> None:
        """Makes these rows current. At most one edit a record.

        A store that has an upstream marks them pending, on the base that the upstream knows.
        """

    async def add_aliases(self, aliases: Sequence[Alias]) -> None:
        """Makes these ids name other records, also where other aliases named them.

        What refers to them refers to those records from now on, and keeps its stamp.
        """

    async def keep_losers(self, losers: Sequence[Loser]) -> None:
        """Keeps losing versions where a person can list them and bring them back."""

    async def redeliver(self, keys: Collection[Key]) -> None:
        """Puts the current rows into the feed once more."""

    async def name(self) -> str:
        """Names this transaction in the feed, for `FeedQuery.written`."""


class RecordStore(Protocol):
    """The records of one node and their feed."""

    async def read_changes(self, query: FeedQuery) -> FeedPage:
        """A page of the feed. Raises PositionGone for a token of another epoch."""

    async def digest(self, asked: Sequence[tuple[Scope, Sequence[Range]]]) -> Sequence[ScopeDigest]:
        """Digests of ranges of ids, of one moment, in the order of `asked`. Deleted rows count."""

    async def list_versions(self, scope: Scope, ranges: Sequence[Range]) -> Sequence[RowVersion]:
        """Every row of these ranges, which do not overlap, in no order; deleted ones too."""

    async def package_scopes(self, package_id: str) -> Sequence[Scope] | None:
        """The versions that a package holds; None for a package that is not known here."""

    async def write(self, work: Callable[[RecordTransaction], Awaitable[T]]) -> T:
        """Runs `work` in one write transaction and commits it durably before returning.

        `work` awaits nothing but the transaction's own methods, and may be run again from the
        start when the database asks for it. An exception rolls everything back and is raised.
        """

    async def ping(self) -> None:
        """Reads something; raises TryLater where the database does not answer."""


class Position(msgspec.Struct, frozen=True):
    """How far a scope of the upstream's feed has been read.

    `comparing`: it is being read from its start, so rows of ours may be newer (see merge.receive).
    `known`: whether the upstream has that version, as far as it has said.
    `imports`: how many packages had brought rows of it when this was read from the store.
    """

    scope: Scope
    token: str | None
    comparing: bool = True
    known: bool = True
    imports: int = 0

    @property
    def unread(self) -> bool:
        """Nothing of it was read since it came, so digests can tell what differs."""
        return self.comparing and self.token is None


class ReplicaTransaction(RecordTransaction, SessionTransaction, Protocol):
    """A write transaction of a store that has an upstream."""

    async def rename(self, aliases: Sequence[Alias]) -> None:
        """`add_aliases`, for records that go by another id in the upstream.

        Marks of edits and losing versions move to that id. Of two edits that wait, the mark of the
        later one stays.
        """

    async def locals(self, keys: Collection[Key]) -> dict[Key, Local]:
        """What is held of each of these records, with pending edits; every key is answered."""

    async def confirm(self, sent: Collection[Sent], now: str) -> dict[Key, Scope | None]:
        """Marks as synced those whose pending edit still is the version that was sent.

        Returns them with their scopes. Records that are in dispute are left to `settle`.
        """

    async def settle(self, outcomes: Sequence[Outcome], now: str) -> None:
        """Writes what was decided: rows, marks, bases, losers; empty outcomes are passed over.

        The feed position of a row moves only where its record changed.
        """

    async def keep_batch(self, batch: OpenBatch) -> None:
        """Keeps a batch until `close_batch`."""

    async def close_batch(self, batch_id: str) -> None:
        """Forgets a batch that has been answered."""

    async def set_positions(self, positions: Sequence[Position]) -> None:
        """Keeps how far the upstream's feed has been read.

        Not where a package came since the position was read: it has to be compared.
        """


class ReplicaStore(RecordStore, SessionStore, ApprovalStore, Protocol):
    """A store that has an upstream: the client half's view of the hotspot's database."""

    async def write_replica(self, work: Callable[[ReplicaTransaction], Awaitable[T]]) -> T:
        """`RecordStore.write`, with the client half's methods."""

    async def pending_edits(self, limit: int) -> Sequence[PendingEdit]:
        """Edits that the upstream has not judged, oldest first, without those in open batches.

        Edits of versions that the upstream does not know are left out until it does.
        """

    async def open_batches(self) -> Sequence[OpenBatch]:
        """Batches without an answer, oldest first."""

    async def positions(self) -> Sequence[Position]:
        """How far each version of the packages here, or with edits that wait, has been read."""

    async def mark_scopes(self, known: Collection[Scope], unknown: Collection[Scope]) -> None:
        """Remembers which versions the upstream knows; only what is new is written."""

    async def forget_positions(self) -> None:
        """The upstream began a new epoch: every scope is read from its start, comparing."""
