"""The changes of an upload, each read on its own: a bad one holds back no other."""

from collections.abc import Iterable, Mapping

import msgspec

from hotspot.model import instants, records
from hotspot.model.aliases import NaturalKey, natural_key, references
from hotspot.model.records import Key, Record, Value
from hotspot.model.tables import BY_NAME, Scope, Table
from hotspot.model.wire import UploadChange


class Refusal(Exception):
    """Why one change is rejected: `code` for programs, the message for a person."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


class Parsed(msgspec.Struct, frozen=True):
    """One change of an upload: readable (`fields`), or refused from the start (`refusal`)."""

    change: UploadChange
    table: Table | None
    fields: dict[str, Value]
    refusal: Refusal | None = None

    @property
    def key(self) -> Key:
        return Key(self.change.table, self.change.record_id)


def parse_changes(raw: Iterable[msgspec.Raw]) -> list[Parsed]:
    """Each change checked as far as it can be without the current rows."""
    return [_parse(change) for change in raw]


def _parse(raw: msgspec.Raw) -> Parsed:
    try:
        change = _DECODER.decode(raw)
    except _UNREADABLE as error:
        refusal = Refusal("bad_change", f"The change cannot be read: {error}.")
        return Parsed(_named(raw), None, {}, refusal)
    try:
        table = BY_NAME.get(change.table)
        if table is None:
            raise Refusal("unknown_table", f"There is no table {change.table[:80]!r} to change.")
        return Parsed(change, table, _fields(table, change))
    except Refusal as refusal:
        return Parsed(change, None, {}, refusal)
    except ValueError as error:
        return Parsed(change, None, {}, Refusal("bad_record", str(error)))


_DECODER = msgspec.json.Decoder(UploadChange)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)


def _named(raw: msgspec.Raw) -> UploadChange:
    """As much of an unreadable change as the sender needs to find it again."""
    try:
        parts = _PARTS.decode(raw)
    except _UNREADABLE:
        parts = {}
    return UploadChange(table=_name(parts, "table"), record_id=_name(parts, "recordId"))


def _name(parts: Mapping[str, msgspec.Raw], part: str) -> str:
    try:
        return msgspec.json.decode(parts.get(part, b'""'), type=str)[:80]
    except _UNREADABLE:
        return ""


def _fields(table: Table, change: UploadChange) -> dict[str, Value]:
    if change.operation not in ("INSERT", "UPDATE", "DELETE"):
        raise Refusal("bad_change", f"{change.operation[:80]!r} is not INSERT, UPDATE or DELETE.")
    if change.operation != "DELETE" and change.record is None:
        raise Refusal("bad_change", "The change has no record.")
    if change.changed_by is not None:
        records.parse_id(change.changed_by)
    _check_instant(change.local_timestamp)
    return records.parse(table, change.record_id, change.record or {})


def _check_instant(local_timestamp: str | None) -> None:
    try:
        if local_timestamp is not None:
            instants.parse(local_timestamp)
    except ValueError:
        raise Refusal("bad_change", "localTimestamp must be a date and time.") from None


def keys(parsed: Iterable[Parsed]) -> set[Key]:
    """The records whose current rows `judge` has to see."""
    return {one.key for one in parsed if one.refusal is None}


def referred(parsed: Iterable[Parsed]) -> set[Key]:
    """The records that changes refer to, where these may have several ids."""
    return {key for one in parsed for _, key in references(one.change.table, one.fields)}


def natural_keys(parsed: Iterable[Parsed], current: Mapping[Key, Record]) -> set[NaturalKey]:
    """The natural keys that new and deleted records among the changes would take.

    `current`: the rows of the changes, and of the records that their ids are aliases of.
    """
    found = {natural_key(row) for row in current.values() if row.deleted}
    for one in parsed:
        columns = one.table.natural_key if one.table is not None else ()
        if one.key not in current and columns and one.fields.keys() >= set(columns):
            found.add(NaturalKey(one.change.table, tuple(one.fields[name] for name in columns)))
    return {key for key in found if key is not None}


def scopes(parsed: Iterable[Parsed]) -> set[Scope]:
    """The versions that new records among the changes would belong to."""
    found = set()
    for one in parsed:
        if one.table is not None:
            scope = one.table.scope_of(one.change.record_id, one.fields)
            if scope is not None:
                found.add(scope)
    return found


def adding(parsed: Iterable[Parsed]) -> set[Scope]:
    """The versions that changes may add records to: all but edits of a version that was known."""
    return scopes(
        one
        for one in parsed
        if one.change.operation == "INSERT"
        or (one.change.base_version is None and one.change.base_updated_at is None)
    )
