"""Batches of edits on their way up, and what their answers say."""

import gzip
from collections.abc import Mapping, Sequence

import msgspec

from hotspot.errors import UpstreamRefused
from hotspot.model import records
from hotspot.model.merge import Pending, Sent, Status, Verdict
from hotspot.model.records import Record, Value
from hotspot.model.tables import BY_NAME
from hotspot.model.timeline import UNDATED_MS
from hotspot.model.wire import UNKNOWN_SCOPE, Conflict, Result, UploadChange, UploadResponse


class PendingEdit(msgspec.Struct, frozen=True):
    """An edit that waits for the upstream."""

    record: Record
    pending: Pending
    changed_by: str | None


class OpenBatch(msgspec.Struct, frozen=True):
    """A batch that was sent, or is about to be, and has no answer yet.

    `body` (gzip) is sent again, byte for byte, under the same id. `sent` names its versions.
    `guessed_in`: the boot whose guess the stamps in it are by; None where the time was known.
    """

    id: str
    body: bytes
    sent: Sequence[Sent]
    guessed_in: str | None = None


ANSWERS_KEPT = 50
"""Answers that a server keeps of each device. Counted, because clocks lie; a client sends a batch
until it is answered before it sends the next. An older one that came again would be judged again,
and lose nothing: its edits are current still, or versions that lost, which are kept."""


def encode_batch(
    batch_id: str, edits: Sequence[PendingEdit], guessing_in: str | None = None
) -> OpenBatch:
    """The batch of these edits. `guessing_in`: the boot whose guess the time is (None: known)."""
    changes = [upload_change(edit) for edit in edits]
    body = _packed(batch_id, changes)
    sent = [Sent(e.record.table, e.record.id, e.record.version) for e in edits]
    return OpenBatch(batch_id, body, sent, guessing_in)


def encode_rows(batch_id: str, rows: Sequence[Record]) -> OpenBatch:
    """The batch that adds these rows where they are not."""
    changes = [
        UploadChange(
            table=row.table,
            record_id=row.id,
            operation="DELETE" if row.deleted else "INSERT",
            record=_whole(row),
            local_timestamp=row.updated_at,
            only_new=True,
            changed_by=row.updated_by,
        )
        for row in rows
    ]
    body = _packed(batch_id, changes)
    return OpenBatch(batch_id, body, [Sent(row.table, row.id, row.version) for row in rows])


def _packed(batch_id: str, changes: Sequence[UploadChange]) -> bytes:
    """The request's body, compressed: it is written to the card before it is sent."""
    body = msgspec.json.encode({"batchId": batch_id, "changes": changes})
    return gzip.compress(body, 1, mtime=0)


def _whole(record: Record) -> dict[str, Value]:
    """All of a record that its change does not say already, by recordId, stamp and author."""
    created = {"created_at": record.created_at, "created_by": record.created_by}
    return {**record.values, **created}


def upload_change(edit: PendingEdit) -> UploadChange:
    """One pending edit as it goes up: the whole record, so that a server without it can add it."""
    record = edit.record
    new = edit.pending.base_version is None
    undated = record.doubt_ms == UNDATED_MS
    return UploadChange(
        table=record.table,
        record_id=record.id,
        operation="DELETE" if record.deleted else "INSERT" if new else "UPDATE",
        record=_whole(record),
        local_timestamp=record.updated_at,
        undated=undated,
        precision_ms=0 if undated else record.doubt_ms,
        base_version=edit.pending.base_version,
        changed_by=edit.changed_by,
    )


def verdicts(answer: UploadResponse) -> list[Verdict]:
    """What was decided on each change, in the order in which they were sent."""
    against = {
        (conflict.table, conflict.record_id): conflict
        for conflict in answer.conflicts
        if not Status(conflict.resolution).stands
    }
    return [_verdict(r, against.get((r.table, r.record_id))) for r in answer.results]


def confirms(sent: Sent, verdict: Verdict) -> bool:
    """Whether the upstream holds just what was sent, so that a row which still is that version
    only needs its mark: `merge.settle` would give the row itself."""
    return (
        verdict.status.stands
        and verdict.version == sent.version
        and verdict.server is None
        and verdict.canonical_id is None
        and not verdict.reason
    )


def _verdict(result: Result, conflict: Conflict | None) -> Verdict:
    raw = result.server_record
    if raw is None and conflict is not None:
        raw = dict(conflict.server_record or {}) or None
    return Verdict(
        status=result.status,
        canonical_id=_canonical_id(result),
        updated_at=result.updated_at,
        version=result.version,
        server=_record(result, raw) if raw is not None else None,
        reason=(conflict.reason if conflict else result.reason) or "",
        waits=result.code == UNKNOWN_SCOPE,
    )


def _canonical_id(result: Result) -> str | None:
    try:
        return records.parse_id(result.canonical_id) if result.canonical_id is not None else None
    except ValueError as error:
        raise UpstreamRefused(f"The server renamed a record. {error}") from None


def _record(result: Result, raw: Mapping[str, object]) -> Record:
    table = BY_NAME.get(result.table)
    if table is None:
        raise UpstreamRefused("The server answered for a table that does not exist.")
    try:
        return records.from_wire(table, result.canonical_id or result.record_id, raw)
    except ValueError as error:
        raise UpstreamRefused(f"The server sent a record that cannot be used. {error}") from None
