"""Judging a whole upload: each change on its own, in order."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from hotspot.model import conflicts
from hotspot.model.aliases import Alias, NaturalKey, natural_key, redirected
from hotspot.model.changes import Parsed, Refusal
from hotspot.model.edits import Sender, edit_of, exists, only_adds
from hotspot.model.merge import Decision, Edit, Status, decide
from hotspot.model.records import Key, Record
from hotspot.model.stores import Accepted, Loser, Provenance
from hotspot.model.tables import Scope
from hotspot.model.wire import Conflict, Result

AHEAD = "The stamp was ahead of the time here and was set to now."


class Judgement(msgspec.Struct, frozen=True):
    """What an upload leads to: rows to write, versions to keep, and what the sender is told.

    `aliases`: ids that the changes named, and that name a record of another id from now on.
    """

    accepted: Sequence[Accepted]
    losers: Sequence[Loser]
    results: Sequence[Result]
    conflicts: Sequence[Conflict]
    aliases: Sequence[Alias] = ()


def judge(
    parsed: Sequence[Parsed],
    current: Mapping[Key, Record],
    known: Collection[Scope],
    sender: Sender,
    aliases: Mapping[Key, Key] = MappingProxyType({}),
) -> Judgement:
    """Judges a batch: `known` is of `scopes(parsed)`, `aliases` of `keys` and `referred`.

    `current` has the rows of those keys, of the records that the aliases name, and the live rows
    that hold the natural keys which new and deleted records among them would take.
    """
    bench = _Bench(dict(current), dict(aliases), known, sender)
    for one in parsed:
        bench.hear(one)
    return Judgement(
        list(bench.accepted.values()),
        [conflicts.as_left(one, bench.current.get(one.record.key)) for one in bench.losers],
        bench.results,
        bench.conflicts,
        list(bench.named.values()),
    )


class _Bench:
    """The state of one batch while its changes are heard in order.

    `holders`: which rows hold natural keys; None until a change would take one.
    """

    def __init__(
        self,
        current: dict[Key, Record],
        aliases: dict[Key, Key],
        known: Collection[Scope],
        sender: Sender,
    ) -> None:
        self.current = current
        self.aliases = aliases
        self.holders: dict[NaturalKey, Key] | None = None
        self.known = set(known)
        self.sender = sender
        self.accepted: dict[Key, Accepted] = {}
        self.losers: list[Loser] = []
        self.results: list[Result] = []
        self.conflicts: list[Conflict] = []
        self.named: dict[Key, Alias] = {}

    def _row(self, key: Key) -> Record | None:
        """The row that an uploaded id means: its own if that is live, else the one it names."""
        row = self.current.get(key)
        if key in self.aliases and (row is None or row.deleted):
            return self.current.get(self.aliases[key], row)
        return row

    def _holder(self, row: Record | None, edit: Edit) -> Record | None:
        """The live row that has the natural key which this edit would take."""
        if edit.record.deleted or (row is not None and not row.deleted):
            return None
        if self.holders is None:
            self.holders = {}
            for record in self.current.values():
                _hold(self.holders, record)
        key = natural_key(edit.record)
        holder = self.holders.get(key) if key is not None else None
        return self.current[holder] if holder is not None else None

    def hear(self, one: Parsed) -> None:
        row = self._row(one.key)
        try:
            edit = edit_of(one, row, self.known, self.sender)
        except Refusal as refusal:
            self._reject(one, row, refusal)
            return
        holder = self._holder(row, edit)
        if holder is not None and only_adds(one):
            self._name(one.key, holder.key)
            self._reject(one, holder, exists())
            return
        if holder is not None:
            row, edit = holder, _about(holder, edit)
        self._name(one.key, edit.record.key)
        asked = edit.record
        edit = msgspec.structs.replace(edit, record=redirected(asked, self.aliases))
        decision = decide(row, edit)
        if decision.loser is not None:
            self._keep(one, decision, edit.record)
        if decision.status in (Status.APPLIED, Status.LOCAL_WINS):
            self._accept(one, row, edit, decision.record)
        same = edit.record if decision.status is not Status.DUPLICATE else decision.record
        exact = same.hash == asked.hash and same.id == one.change.record_id
        self._answer(one, decision, None if exact else decision.record.to_wire())

    def _name(self, key: Key, canonical: Key) -> None:
        """Notes that an uploaded id names a record of another id, unless that is known."""
        if key != canonical and self.aliases.get(key) != canonical:
            self.aliases[key] = canonical
            self.named[key] = Alias(key.table, key.id, canonical.id)

    def _accept(self, one: Parsed, row: Record | None, edit: Edit, record: Record) -> None:
        first = self.accepted.get(record.key)
        replaced = first.replaced if first is not None else row
        provenance = Provenance(
            device_id=self.sender.device.id,
            changed_by=record.updated_by,
            dating=self.sender.dating(edit.record.updated_at, one.change.local_timestamp),
            note=self._note(one),
        )
        self.accepted[record.key] = Accepted(record, replaced, provenance)
        self.current[record.key] = record
        if self.holders is not None:
            _hold(self.holders, record)
        if one.table is not None and one.table.defines_scope and record.scope is not None:
            self.known.add(record.scope)

    def _note(self, one: Parsed) -> str:
        """What a person should know of an edit that stands."""
        return AHEAD if self.sender.received(one.change.local_timestamp).clamped else ""

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
                canonical_id=_canonical_id(one, decision.record),
                server_record=server_record,
                reason=(self._note(one) or None) if decision.status.stands else None,
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
                canonical_id=_canonical_id(one, row),
                server_record=row.to_wire() if row else None,
                code=refusal.code,
                reason=str(refusal),
            )
        )


def _hold(holders: dict[NaturalKey, Key], record: Record) -> None:
    """Notes whether this row, now current, holds its natural key."""
    key = natural_key(record)
    if key is not None and not record.deleted:
        holders[key] = record.key
    elif key is not None and holders.get(key) == record.key:
        del holders[key]


def _canonical_id(one: Parsed, record: Record | None) -> str | None:
    """The id of the record that a change turned out to be about, where it is another."""
    return record.id if record is not None and record.id != one.change.record_id else None


def _about(holder: Record, edit: Edit) -> Edit:
    """The same edit, of the row that holds its natural key.

    A stamp alone is no base here: it was another row's.
    """
    record = msgspec.structs.replace(
        edit.record, id=holder.id, created_at=holder.created_at, created_by=holder.created_by
    )
    return msgspec.structs.replace(edit, record=record, base_updated_at=None)
