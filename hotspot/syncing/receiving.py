"""Merging what the upstream sent: one transaction a page, and no record holds back another."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from hotspot.model import records
from hotspot.model.aliases import Alias
from hotspot.model.merge import Outcome, receive
from hotspot.model.records import Key, Record
from hotspot.model.stores import ReplicaTransaction
from hotspot.model.tables import BY_NAME, Scope
from hotspot.model.wire import Change
from hotspot.syncing.naming import follow_names


class Page:
    """One page of changes. `good`: the last of each record; `bad`: what is of no use, and why.

    `aliases`: ids that the page says name other records now.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        good: dict[Key, Record] = {}
        self.aliases: list[Alias] = []
        self.bad: list[tuple[Change, str]] = []
        for change in changes:
            try:
                record, alias = _record(change), _alias(change)
            except ValueError as error:
                self.bad.append((change, str(error)))
                continue
            good[record.key] = record
            if alias is not None and record.deleted:
                self.aliases.append(alias)
        self.good = list(good.values())

    @property
    def keys(self) -> set[Key]:
        """The records that it is about."""
        bad = (Key(change.table, change.record_id) for change, _ in self.bad)
        return {*(record.key for record in self.good), *bad}

    async def merge(
        self, tx: ReplicaTransaction, comparing: Callable[[Record], bool], now: str
    ) -> Counter[Scope]:
        """Writes what the page leads to; returns how many records that were, by scope.

        `comparing`: of which records ours may be newer (see merge.receive).
        """
        held = await follow_names(tx, self.aliases, self.good, now)
        outcomes = [
            receive(held[record.key], record, comparing=comparing(record)) for record in self.good
        ]
        await tx.settle(outcomes, now)
        for change, reason in self.bad:
            raw = msgspec.json.encode(change)
            await tx.set_aside(Key(change.table, change.record_id), raw, reason, now)
        await tx.forget_aside([record.key for record in self.good])
        written = self._count(outcomes)
        if written:
            await tx.begin_log(written.keys(), now)
        return written

    def _count(self, outcomes: Sequence[Outcome]) -> Counter[Scope]:
        written: Counter[Scope] = Counter()
        for record, outcome in zip(self.good, outcomes, strict=True):
            if record.scope is not None and not outcome.empty:
                written[record.scope] += 1
        return written


def _record(change: Change) -> Record:
    table = BY_NAME.get(change.table)
    if table is None:
        raise ValueError(f"There is no table {change.table[:80]!r} here.")
    return records.from_wire(table, change.record_id, change.record)


def _alias(change: Change) -> Alias | None:
    if change.canonical_id in (msgspec.UNSET, change.record_id):
        return None
    return Alias(change.table, change.record_id, records.parse_id(change.canonical_id))
