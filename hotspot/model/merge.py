"""Judging one change: what a server does with an edit, and what a client does with a row.

The rules and their order are those of the protocol (README, "How a change is judged"). Everything
here is a pure function: the same arguments give the same decision, in any process.
"""

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from hotspot.model import instants
from hotspot.model.records import Key, Record

NEAR_MS = 1000
"""Two edits closer than this cannot be told apart by their stamps: a person is asked."""
SIMULTANEOUS = "Simultaneous edits detected."
DOUBTFUL = "It is not known well enough when one of the edits was made."


class Status(StrEnum):
    """What became of an uploaded change."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    LOCAL_WINS = "local_wins"
    SERVER_WINS = "server_wins"
    MANUAL_REQUIRED = "manual_required"
    REJECTED = "rejected"

    @property
    def stands(self) -> bool:
        """Whether the sender's content is the server's afterwards."""
        return self in (Status.APPLIED, Status.DUPLICATE, Status.LOCAL_WINS)


class Edit(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An edit that was made somewhere, on some version of a record.

    `record`: the content it leads to; its `updated_at` is the edit's stamp on the judge's clock.
    `base_version`, or for simple clients `base_updated_at`: what it was made on; None: on nothing.
    """

    record: Record
    base_version: str | None = None
    base_updated_at: str | None = None


class Decision(msgspec.Struct, frozen=True, gc=False):
    """`record`: what is current afterwards. `loser`: the version that lost and must be kept."""

    status: Status
    record: Record
    loser: Record | None = None
    reason: str = ""


def decide(current: Record | None, edit: Edit) -> Decision:
    """Judges `edit` against the `current` row (None: there is no such record)."""
    new = edit.record
    if current is None:
        return Decision(Status.APPLIED, new)
    if _same(current, new):
        return Decision(Status.DUPLICATE, current)
    if made_on(edit, current):
        return Decision(Status.APPLIED, _after(new, current))
    doubt_ms = max(current.doubt_ms, new.doubt_ms)
    ahead = instants.to_ms(new.updated_at) - instants.to_ms(current.updated_at)
    if abs(ahead) < max(NEAR_MS, doubt_ms):
        reason = SIMULTANEOUS if doubt_ms <= NEAR_MS else DOUBTFUL
        return Decision(Status.MANUAL_REQUIRED, current, new, reason)
    if ahead > 0:
        won = _after(new, current)
        return Decision(Status.LOCAL_WINS, won, current, "Last writer wins by timestamp.")
    return Decision(Status.SERVER_WINS, current, new, "Last writer wins by timestamp.")


def made_on(edit: Edit, current: Record) -> bool:
    """Whether the edit knew the current version when it was made."""
    if edit.base_version is not None:
        return edit.base_version in (current.version, current.former)
    return edit.base_updated_at is not None and edit.base_updated_at == current.updated_at


def _same(one: Record, other: Record) -> bool:
    """Two deletions of the same text are one, whenever each was made."""
    if one.deleted and other.deleted:
        return {**one.values, "deleted_at": None} == {**other.values, "deleted_at": None}
    return one.hash == other.hash


def _after(new: Record, current: Record) -> Record:
    """`new`, stamped at least 1 ms after the row that it replaces."""
    if new.updated_at > current.updated_at:
        return new
    return new.stamped(instants.later(current.updated_at, 1))


class Pending(msgspec.Struct, frozen=True, gc=False):
    """An edit that the upstream has not judged yet: the base is the upstream's version."""

    base_version: str | None


class Local(msgspec.Struct, frozen=True, gc=False):
    """What a client holds of one record.

    `edited`: whether it was ever edited here, so that replacing it must keep it.
    `disputed`: whether a version that this row stands against waits for a person.
    """

    record: Record | None
    pending: Pending | None = None
    edited: bool = False
    disputed: bool = False


class Mark(StrEnum):
    """What a record's sync status becomes; the values are those of `record_sync_status`."""

    PENDING = "pending"
    SYNCED = "synced"
    CONFLICT = "conflict"


class Outcome(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a client writes for one record, all in one transaction.

    `record`: the row that is current afterwards, or None where the row stays as it is.
    `mark`: the new sync status; None: the record needs none, or keeps the one it has.
    `base_version`: with a pending mark, the upstream's version that the edit is now based on.
    `loser`: a version to be kept, with `resolution` ('local_wins', 'server_wins', 'manual').
    `reason`: a sentence for a person, where something went against an edit.
    """

    table: str
    id: str
    record: Record | None = None
    mark: Mark | None = None
    base_version: str | None = None
    server_updated_at: str | None = None
    loser: Record | None = None
    resolution: str | None = None
    reason: str = ""

    @property
    def empty(self) -> bool:
        return self.record is None and self.mark is None and self.loser is None

    @property
    def moves_on(self) -> bool:
        """Whether the row leaves behind what was disputed about it: those conflicts are closed."""
        return self.record is not None and (
            self.mark is not Mark.CONFLICT or self.loser is not None
        )


def receive(local: Local, incoming: Record, *, comparing: bool = False) -> Outcome:
    """What a client does with a row that comes down the feed.

    `comparing`: the feed is being read from its start (a new epoch, an import), so a row may be
    older than ours; an edit of ours that the server has lost then goes up again.
    """
    mine, pending = local.record, local.pending
    if pending is None or mine is None:
        return _receive_unedited(local, incoming, comparing=comparing)
    if pending.base_version == incoming.version:
        return Outcome(table=incoming.table, id=incoming.id)
    edit = Edit(record=mine, base_version=pending.base_version)
    decision = decide(incoming, edit)
    if decision.status is Status.DUPLICATE:
        return _adopt(local, incoming)
    if decision.status.stands:
        return _keep_pending(incoming, "local_wins")
    return yielded(mine, incoming, decision.status, decision.reason)


def missed(key: Key, local: Local) -> Outcome:
    """What a client does about a record that the upstream turned out to lack.

    What was edited here goes up again, whole; what only a package brought stays as it is.
    """
    revived = local.record is not None and local.edited and local.pending is None
    return Outcome(table=key.table, id=key.id, mark=Mark.PENDING if revived else None)


def _receive_unedited(local: Local, incoming: Record, *, comparing: bool) -> Outcome:
    mine = local.record
    if mine is not None and mine.version == incoming.version:
        return Outcome(table=incoming.table, id=incoming.id)
    if mine is not None and local.edited and comparing and not _same(mine, incoming):
        if mine.updated_at > incoming.updated_at:
            return _keep_pending(incoming, "local_wins")
        return yielded(mine, incoming, Status.SERVER_WINS, "The server has a later version.")
    outcome = _adopt(local, incoming)
    marked = local.edited or local.disputed
    return outcome if marked else replace(outcome, mark=None)


def _keep_pending(incoming: Record, resolution: str) -> Outcome:
    return Outcome(
        table=incoming.table,
        id=incoming.id,
        mark=Mark.PENDING,
        base_version=incoming.version,
        server_updated_at=incoming.updated_at,
        loser=incoming,
        resolution=resolution,
    )


def _adopt(local: Local, row: Record) -> Outcome:
    """The upstream's row is ours from now on. What is disputed stays so while the text stays."""
    stays = local.disputed and local.record is not None and _same(local.record, row)
    return Outcome(
        table=row.table,
        id=row.id,
        record=row,
        mark=Mark.CONFLICT if stays else Mark.SYNCED,
        server_updated_at=row.updated_at,
        resolution="manual" if stays else None,
    )


def yielded(mine: Record, theirs: Record, status: Status, reason: str) -> Outcome:
    """Our edit did not win: the server's row is current, ours is kept.

    After `manual_required` the record stays marked until a person chooses.
    """
    manual = status is Status.MANUAL_REQUIRED
    return Outcome(
        table=theirs.table,
        id=theirs.id,
        record=theirs,
        mark=Mark.CONFLICT if manual else Mark.SYNCED,
        server_updated_at=theirs.updated_at,
        loser=mine,
        resolution="manual" if manual else "server_wins",
        reason=reason,
    )


class Verdict(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The upstream's answer to one change that this client sent.

    `updated_at`, `version`: of the row that is current there. `server`: that row itself, where the
    upstream sent it because it is not what we sent.
    `canonical_id`: the id of the record there, where what we sent is another name of it.
    `waits`: rejected for now only (the upstream does not know the version that it belongs to).
    """

    status: Status
    canonical_id: str | None = None
    updated_at: str | None = None
    version: str | None = None
    server: Record | None = None
    reason: str = ""
    waits: bool = False


class Sent(msgspec.Struct, frozen=True, gc=False):
    """One version that went up in a batch."""

    table: str
    id: str
    version: str


def settle(local: Local, sent: Sent, verdict: Verdict) -> Outcome:
    """What a client writes when the answer about the version `sent` has come.

    Where the row was edited again meanwhile, that edit stays pending; if what was sent stands,
    it is the base of the newer edit. A row that nobody edited here may have been sent too (that of
    an approved package): it takes the upstream's stamp, or stays as it is until the feed comes.
    """
    mine = local.record
    nothing = Outcome(table=sent.table, id=sent.id)
    if mine is None:
        return nothing
    if sent.version not in (mine.version, mine.former):
        if local.pending and verdict.status.stands and verdict.version is not None:
            return replace(nothing, mark=Mark.PENDING, base_version=verdict.version)
        return nothing
    if verdict.status.stands and verdict.updated_at is not None:
        row = verdict.server or mine.stamped(verdict.updated_at)
        return replace(_adopt(local, row), reason=verdict.reason)
    if local.pending is None:
        return nothing
    if verdict.waits:
        base = local.pending.base_version
        return replace(nothing, mark=Mark.PENDING, base_version=base, reason=verdict.reason)
    if verdict.server is not None:
        return yielded(mine, verdict.server, verdict.status, verdict.reason)
    return replace(
        nothing, mark=Mark.CONFLICT, loser=mine, resolution="manual", reason=verdict.reason
    )
