"""The edit that one uploaded change asks for, on the receiver's clock."""

from collections.abc import Collection, Mapping

import msgspec

from hotspot.model import instants, records
from hotspot.model.changes import Parsed, Refusal
from hotspot.model.merge import Edit
from hotspot.model.records import Record, Value
from hotspot.model.stores import Device
from hotspot.model.tables import STAMP_COLUMNS, Scope, Table
from hotspot.model.timeline import UNDATED_MS, Dating, Received, received
from hotspot.model.wire import EXISTS, UNKNOWN_SCOPE, UploadChange

_STAMPS = frozenset(column.name for column in STAMP_COLUMNS) - {"deleted_at"}


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a batch, and by which clocks.

    `now`, `mono_ms`, `boot_id`: the receiver's at the moment of receipt; `trusted`: whether `now`
    is more than a guess.
    `sender_now`: what the sender's clock showed; `synchronized`: whether the sender knows the time.
    """

    device: Device
    now: str
    mono_ms: int
    boot_id: str
    trusted: bool = False
    sender_now: str | None = None
    synchronized: bool = False

    def received(self, local_timestamp: str | None) -> Received:
        """The sender's stamp on the receiver's clock."""
        if local_timestamp is None:
            return Received(self.now)
        return received(
            instants.parse(local_timestamp),
            self.sender_now,
            self.now,
            synchronized=self.trusted and self.synchronized,
        )

    def dating(self, stamp: str, local_timestamp: str | None) -> Dating | None:
        """What can date an edit later that has the `stamp` now; None where the time is known."""
        if self.trusted:
            return None
        told = local_timestamp is None or self.sender_now is not None
        age_ms = instants.to_ms(self.now) - instants.to_ms(stamp)
        return Dating(
            boot_id=self.boot_id,
            mono_ms=self.mono_ms,
            age_ms=age_ms if told else None,
            sender_stamp=None if local_timestamp is None else instants.parse(local_timestamp),
        )


def edit_of(one: Parsed, row: Record | None, known: Collection[Scope], sender: Sender) -> Edit:
    """The edit that a change asks for, on the receiver's clock. Raises Refusal."""
    if one.refusal is not None:
        raise one.refusal
    assert one.table is not None
    change = one.change
    if change.only_new and row is not None:
        raise exists()
    _permit(one, one.table, row, sender.device)
    stamp = sender.received(change.local_timestamp).stamp
    fields = {name: value for name, value in one.fields.items() if name not in _STAMPS}
    if change.operation == "DELETE" or fields.get("deleted_at") is not None:
        fields["deleted_at"] = stamp
    author = change.changed_by or sender.device.id
    if row is None:
        record = _new(one, fields, stamp, author, known)
    else:
        record = _overlaid(one.table, row, fields, stamp, author)
    return Edit(
        record=msgspec.structs.replace(record, doubt_ms=_doubt_ms(change)),
        base_version=change.base_version,
        base_updated_at=change.base_updated_at,
    )


def _doubt_ms(change: UploadChange) -> int:
    return UNDATED_MS if change.undated else min(max(change.precision_ms, 0), UNDATED_MS)


def exists() -> Refusal:
    """Why a record that was only to be added was not."""
    return Refusal(EXISTS, "There is such a record already: it stays as it is.")


def only_adds(one: Parsed) -> bool:
    """Whether a change may add a record, and never change one that is there."""
    return one.change.only_new or (one.table is not None and not one.table.client_writes)


def _permit(one: Parsed, table: Table, row: Record | None, device: Device) -> None:
    if not device.may_write:
        raise Refusal("forbidden", f"The device {device.name!r} may read, but not change anything.")
    if not table.client_writes and not (row is None and device.may_add):
        raise Refusal("forbidden", f"The table {table.name} is changed by the server only.")
    scope = row.scope if row is not None else table.scope_of(one.change.record_id, one.fields)
    if not device.may_change(scope):
        raise Refusal("forbidden", f"The device {device.name!r} may change other versions only.")


def _new(
    one: Parsed, fields: dict[str, Value], stamp: str, author: str, known: Collection[Scope]
) -> Record:
    assert one.table is not None
    scope = one.table.scope_of(one.change.record_id, fields)
    if scope is None:
        if one.change.operation == "DELETE":
            raise Refusal("not_found", "There is no such record to delete.")
        raise Refusal("bad_record", f"The record has no {one.table.scope_column}.")
    if scope not in known and not one.table.defines_scope:
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
