"""Judging a whole upload: each change on its own, in order."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from hotspot.model import instants, records, timeline
from hotspot.model.changes import Parsed, Refusal
from hotspot.model.merge import Decision, Edit, Status, decide
from hotspot.model.records import Key, Record, Value
from hotspot.model.stores import Accepted, Device, Loser, Provenance
from hotspot.model.tables import STAMP_COLUMNS, Scope, Table
from hotspot.model.timeline import Dating
from hotspot.model.wire import UNKNOWN_SCOPE, Conflict, Result, UploadChange

_STAMPS = frozenset(column.name for column in STAMP_COLUMNS) - {"deleted_at"}


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a batch, and by which clocks.

    `now`, `mono_ms`, `boot_id`: the receiver's at the moment of receipt.
    `sender_now`: what the sender's clock showed; `synchronized`: whether the sender knows the time.
    """

    device: Device
    now: str
    mono_ms: int
    boot_id: str
    sender_now: str | None = None
    synchronized: bool = False


class Judgement(msgspec.Struct, frozen=True):
    """What an upload leads to: rows to write, versions to keep, and what the sender is told."""

    accepted: Sequence[Accepted]
    losers: Sequence[Loser]
    results: Sequence[Result]
    conflicts: Sequence[Conflict]


def judge(
    parsed: Sequence[Parsed],
    current: Mapping[Key, Record],
    known: Collection[Scope],
    sender: Sender,
) -> Judgement:
    """Judges a batch: `current` has the rows of `keys(parsed)`, `known` is of `scopes(parsed)`."""
    bench = _Bench(dict(current), known, sender)
    for one in parsed:
        bench.hear(one)
    return Judgement(list(bench.accepted.values()), bench.losers, bench.results, bench.conflicts)


class _Bench:
    """The state of one batch while its changes are heard in order."""

    def __init__(
        self, current: dict[Key, Record], known: Collection[Scope], sender: Sender
    ) -> None:
        self.current = current
        self.known = known
        self.sender = sender
        self.accepted: dict[Key, Accepted] = {}
        self.losers: list[Loser] = []
        self.results: list[Result] = []
        self.conflicts: list[Conflict] = []

    def hear(self, one: Parsed) -> None:
        row = self.current.get(one.key)
        try:
            edit = edit_of(one, row, self.known, self.sender)
        except Refusal as refusal:
            self._reject(one, row, refusal)
            return
        decision = decide(row, edit)
        if decision.loser is not None:
            self._keep(one, decision, edit.record)
        if decision.status in (Status.APPLIED, Status.LOCAL_WINS):
            self._accept(one, row, edit, decision.record)
        exact = decision.status is not Status.DUPLICATE or decision.record.hash == edit.record.hash
        self._answer(one, decision, None if exact else decision.record.to_wire())

    def _accept(self, one: Parsed, row: Record | None, edit: Edit, record: Record) -> None:
        first = self.accepted.get(one.key)
        replaced = first.replaced if first is not None else row
        change = one.change
        provenance = Provenance(
            device_id=self.sender.device.id,
            changed_by=record.updated_by,
            undated=change.undated,
            dating=None if change.undated else _dating(edit, change, self.sender),
        )
        self.accepted[one.key] = Accepted(record, replaced, provenance)
        self.current[one.key] = record

    def _keep(self, one: Parsed, decision: Decision, edit: Record) -> None:
        assert decision.loser is not None
        manual = decision.status is Status.MANUAL_REQUIRED
        self.losers.append(
            Loser(
                decision.loser,
                decision.record.version,
                "manual" if manual else decision.status.value,
                decision.reason,
                self.sender.device.id,
            )
        )
        stood = decision.loser if decision.status is Status.LOCAL_WINS else decision.record
        self.conflicts.append(
            Conflict(
                table=one.change.table,
                record_id=one.change.record_id,
                local_record=edit.to_wire(),
                server_record=stood.to_wire(),
                resolution=decision.status.value,
                reason=decision.reason,
            )
        )

    def _answer(
        self, one: Parsed, decision: Decision, server_record: dict[str, Any] | None
    ) -> None:
        self.results.append(
            Result(
                table=one.change.table,
                record_id=one.change.record_id,
                status=decision.status,
                updated_at=decision.record.updated_at,
                version=decision.record.version,
                server_record=server_record,
            )
        )

    def _reject(self, one: Parsed, row: Record | None, refusal: Refusal) -> None:
        self.results.append(
            Result(
                table=one.change.table,
                record_id=one.change.record_id,
                status=Status.REJECTED,
                updated_at=row.updated_at if row else None,
                version=row.version if row else None,
                server_record=row.to_wire() if row else None,
                code=refusal.code,
                reason=str(refusal),
            )
        )


def edit_of(one: Parsed, row: Record | None, known: Collection[Scope], sender: Sender) -> Edit:
    """The edit that a change asks for, on the receiver's clock. Raises Refusal."""
    if one.refusal is not None:
        raise one.refusal
    assert one.table is not None
    _permit(one.table, sender.device)
    change = one.change
    stamp = _stamp(change.local_timestamp, sender)
    fields = {name: value for name, value in one.fields.items() if name not in _STAMPS}
    if change.operation == "DELETE" or fields.get("deleted_at") is not None:
        fields["deleted_at"] = stamp
    author = change.changed_by or sender.device.id
    if row is None:
        record = _new(one, fields, stamp, author, known)
    else:
        record = _overlaid(one.table, row, fields, stamp, author)
    return Edit(
        record=record,
        base_version=change.base_version,
        base_updated_at=change.base_updated_at,
        undated=change.undated,
    )


def _permit(table: Table, device: Device) -> None:
    if not device.may_write:
        raise Refusal("forbidden", f"The device {device.name!r} may read, but not change anything.")
    if not table.client_writes:
        raise Refusal("forbidden", f"The table {table.name} is changed by the server only.")


def _new(
    one: Parsed, fields: dict[str, Value], stamp: str, author: str, known: Collection[Scope]
) -> Record:
    assert one.table is not None
    scope = one.table.scope_of(one.change.record_id, dict(fields))
    if scope is None:
        if one.change.operation == "DELETE":
            raise Refusal("not_found", "There is no such record to delete.")
        raise Refusal("bad_record", f"The record has no {one.table.scope_column}.")
    if scope not in known:
        raise Refusal(UNKNOWN_SCOPE, "The version that this record belongs to is not known here.")
    created = {
        "created_at": one.fields.get("created_at") or stamp,
        "created_by": one.fields.get("created_by") or author,
        "updated_by": author,
    }
    try:
        return records.build(one.table, one.change.record_id, {**fields, **created}, stamp)
    except ValueError as error:
        raise Refusal("bad_record", str(error)) from None


def _overlaid(
    table: Table, row: Record, fields: Mapping[str, Value], stamp: str, author: str
) -> Record:
    for name in table.fixed & fields.keys():
        if fields[name] != row.values[name]:
            raise Refusal("forbidden", f"{name} of a record that exists cannot be changed.")
    values = {**row.values, **fields}
    for column in table.columns:
        if column.required and values[column.name] is None:
            raise Refusal("bad_record", f"{column.name} must not be empty.")
    edited = records.make(row, stamp, values)
    return msgspec.structs.replace(edited, updated_by=author, former=None)


def _stamp(local_timestamp: str | None, sender: Sender) -> str:
    if local_timestamp is None:
        return sender.now
    return timeline.received(
        instants.parse(local_timestamp),
        sender.sender_now,
        sender.now,
        synchronized=sender.synchronized,
    )


def _dating(edit: Edit, change: UploadChange, sender: Sender) -> Dating:
    return Dating(
        boot_id=sender.boot_id,
        mono_ms=sender.mono_ms,
        age_ms=instants.to_ms(sender.now) - instants.to_ms(edit.record.updated_at),
        sender_stamp=change.local_timestamp,
    )
