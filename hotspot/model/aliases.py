"""Natural keys, and the ids of records that turned out to be one.

Two places may create the same verse under two ids. One id survives; the other becomes an alias,
which names the surviving record from then on. An alias is never the id of a live row.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hotspot.model import instants
from hotspot.model.merge import Local, Mark, Outcome, Pending, receive
from hotspot.model.records import Key, Record, Value, make
from hotspot.model.tables import BY_NAME, REFERENCES


class NaturalKey(msgspec.Struct, frozen=True, gc=False):
    """What a row is about: the values of `Table.natural_key`, in its order."""

    table: str
    values: tuple[Value, ...]


class Alias(msgspec.Struct, frozen=True, gc=False):
    """`id` names the record `canonical_id` from now on."""

    table: str
    id: str
    canonical_id: str

    @property
    def key(self) -> Key:
        return Key(self.table, self.id)

    @property
    def canonical(self) -> Key:
        return Key(self.table, self.canonical_id)


def natural_key(record: Record) -> NaturalKey | None:
    """The natural key of a record; None where its table has none."""
    columns = BY_NAME[record.table].natural_key
    if not columns:
        return None
    return NaturalKey(record.table, tuple(record.values[name] for name in columns))


def renamed(record: Record, record_id: str) -> Record:
    """The same state of the same thing under another id; its version stays."""
    return msgspec.structs.replace(record, id=record_id)


def to_the_end(aliases: Sequence[Alias]) -> list[Alias]:
    """The same aliases, each to the end of its chain among them."""
    names = {alias.key: alias.canonical for alias in aliases}
    ends = []
    for alias in aliases:
        end, passed = alias.canonical, {alias.key}
        while end in names and end not in passed:
            passed.add(end)
            end = names[end]
        ends.append(Alias(alias.table, alias.id, end.id))
    return ends


def redirected(record: Record, aliases: Mapping[Key, Key]) -> Record:
    """The record with its references to aliases led to what these name.

    The stamp stays: every replica that learns of the alias gets the same version.
    """
    led = {
        column: aliases[key].id
        for column, key in references(record.table, record.values)
        if key in aliases
    }
    return make(record, record.updated_at, {**record.values, **led}) if led else record


def references(table: str, fields: Mapping[str, Value]) -> list[tuple[str, Key]]:
    """The columns among `fields` that refer to records which may have several ids, and to which."""
    return [
        (column, Key(target.name, id_))
        for referring, column, target in REFERENCES
        if referring.name == table and isinstance(id_ := fields.get(column), str)
    ]


def apart(aliases: Sequence[Alias]) -> tuple[list[Alias], list[Alias]]:
    """Those of `aliases` that share no id with one before them, and the others, in order."""
    first: list[Alias] = []
    rest: list[Alias] = []
    named: set[Key] = set()
    for alias in aliases:
        ids = {alias.key, alias.canonical}
        (rest if ids & named else first).append(alias)
        named |= ids
    return first, rest


def rekey(old: Local, held: Local, alias: Alias, now: str) -> list[Outcome]:
    """What a client writes when a record that it holds as `old` is to go by its canonical id.

    `held`: what it holds under the canonical id already. The row of the old id becomes a deleted
    one, so that whoever reads the feed here forgets it. An edit that waits moves to the new id, and
    competes there with a row that the upstream sent. Of two edits that wait the live one is the
    later: the key was taken after the other had let it go. The other is kept.
    """
    moved = _moved(old, held, alias)
    if old.record is not None and not old.record.deleted:
        moved.append(Outcome(table=alias.table, id=alias.id, record=_ended(old.record, now)))
    return moved


def _moved(old: Local, held: Local, alias: Alias) -> list[Outcome]:
    if old.record is None:
        return []
    mine = renamed(old.record, alias.canonical_id)
    if old.pending is None:
        return [] if held.record is not None or mine.deleted else [_copy(mine, old.disputed)]
    if held.record is None:
        return [_waiting(mine, old.pending.base_version)]
    if held.pending is not None:
        return _later_of_two(mine, held.record, held.pending)
    outcome = receive(Local(mine, old.pending, edited=True), held.record)
    if outcome.record is not None:
        return [outcome]
    base = outcome.base_version or held.record.version
    loser, resolution = outcome.loser, outcome.resolution
    return [_waiting(mine, base, loser, resolution)]


def _copy(mine: Record, disputed: bool) -> Outcome:
    """What stands under the new id until the upstream's row comes; a conflict about it stays."""
    return Outcome(
        table=mine.table,
        id=mine.id,
        record=mine,
        mark=Mark.CONFLICT if disputed else None,
        resolution="manual" if disputed else None,
    )


def _later_of_two(mine: Record, held: Record, pending: Pending) -> list[Outcome]:
    winner, other = (held, mine) if mine.deleted else (mine, held)
    loser = other if other.hash != winner.hash else None
    return [_waiting(winner, pending.base_version, loser, "local_wins" if loser else None)]


def _waiting(
    record: Record,
    base_version: str | None,
    loser: Record | None = None,
    resolution: str | None = None,
) -> Outcome:
    return Outcome(
        table=record.table,
        id=record.id,
        record=record,
        mark=Mark.PENDING,
        base_version=base_version,
        loser=loser,
        resolution=resolution,
    )


def _ended(record: Record, now: str) -> Record:
    stamp = max(now, instants.later(record.updated_at, 1))
    return make(record, stamp, {**record.values, "deleted_at": stamp})
