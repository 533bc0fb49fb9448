"""Nodes in memory that use the real judging, settling and receiving, for random runs.

They stand for stores only: the real ones are held to the same behaviour by the contract suite.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from hotspot.model.aliases import Alias, NaturalKey, natural_key, rekey
from hotspot.model.batches import PendingEdit, upload_change, verdicts
from hotspot.model.changes import keys, natural_keys, parse_changes
from hotspot.model.edits import Sender
from hotspot.model.judging import judge
from hotspot.model.merge import (
    Local,
    Mark,
    Outcome,
    Pending,
    Sent,
    Verdict,
    receive,
    settle,
)
from hotspot.model.records import Key, Record
from hotspot.model.stores import Device
from hotspot.model.tables import Scope, ScopeKind
from hotspot.model.wire import Result, UploadResponse
from tests.model.builders import VERSION_ID, at

KNOWN = {Scope(ScopeKind.TEXT, VERSION_ID)}


@dataclass
class Node:
    """One replica. `up`: its upstream, None for the server at the end of the chain."""

    name: str
    up: "Node | None" = None
    rows: dict[Key, Record] = field(default_factory=dict)
    former: dict[Key, str] = field(default_factory=dict)
    pending: dict[Key, Pending] = field(default_factory=dict)
    edited: set[Key] = field(default_factory=set)
    losers: list[Record] = field(default_factory=list)
    aliases: dict[Key, Key] = field(default_factory=dict)
    feed: dict[Key, int] = field(default_factory=dict)
    answers: dict[str, list[Result]] = field(default_factory=dict)
    outbox: tuple[str, list[PendingEdit]] | None = None
    seq: int = 0
    cursor: int = 0
    epoch: int = 0
    seen_epoch: int = 0
    comparing: bool = True
    batches: int = 0

    def put(self, record: Record) -> None:
        """Makes `record` current; the feed moves if its version is another."""
        before = self.rows.get(record.key)
        if before is not None and before.hash == record.hash != "":
            self.former[record.key] = before.version
        else:
            self.former.pop(record.key, None)
        self.rows[record.key] = msgspec.structs.replace(record, former=None)
        if not record.deleted:
            self.aliases.pop(record.key, None)
        self.seq += 1
        self.feed[record.key] = self.seq

    def holders(self, wanted: Iterable[NaturalKey]) -> dict[NaturalKey, Record]:
        """The live rows that have these natural keys."""
        live = {natural_key(row): row for row in self.rows.values() if not row.deleted}
        return {key: live[key] for key in wanted if key in live}

    def named(self, alias: Alias) -> None:
        """Keeps an alias."""
        self.aliases.pop(alias.canonical, None)
        for key, canonical in self.aliases.items():
            if canonical == alias.key:
                self.aliases[key] = alias.canonical
        self.aliases[alias.key] = alias.canonical

    def moved(self, alias: Alias) -> None:
        """Keeps an alias, and moves what was kept under its id."""
        self.named(alias)
        old, waits = self.rows.get(alias.key), self.pending.pop(alias.key, None)
        if waits is not None and (
            alias.canonical not in self.pending or (old is not None and not old.deleted)
        ):
            self.pending[alias.canonical] = waits
        if alias.key in self.edited:
            self.edited.discard(alias.key)
            self.edited.add(alias.canonical)

    def rekey(self, alias: Alias, now_ms: int) -> None:
        """The client half of an alias."""
        outcomes = rekey(self.local(alias.key), self.local(alias.canonical), alias, at(now_ms))
        self.moved(alias)
        for outcome in outcomes:
            self.write(outcome)

    def make_room(self, incoming: Record, now_ms: int) -> None:
        """Gives the natural key of a row from upstream to its id."""
        key = natural_key(incoming)
        if not incoming.deleted and key is not None:
            holder = self.holders([key]).get(key, incoming)
            if holder.id != incoming.id:
                self.rekey(Alias(holder.table, holder.id, incoming.id), now_ms)

    def row(self, key: Key) -> Record | None:
        record = self.rows.get(key)
        if record is None:
            return None
        return msgspec.structs.replace(record, former=self.former.get(key))

    def local(self, key: Key) -> Local:
        return Local(self.row(key), self.pending.get(key), key in self.edited)

    def write(self, outcome: Outcome) -> None:
        key = Key(outcome.table, outcome.id)
        if outcome.loser is not None:
            self.losers.append(outcome.loser)
        if outcome.mark is Mark.PENDING:
            self.pending[key] = Pending(outcome.base_version)
        elif outcome.mark is not None:
            self.pending.pop(key, None)
        if outcome.record is not None:
            before = self.rows.get(key)
            if before is None or before.version != outcome.record.version:
                self.put(outcome.record)

    def accept(self, record: Record, replaced: Record | None) -> None:
        if self.up is not None and record.key not in self.pending:
            self.pending[record.key] = Pending(replaced.version if replaced else None)
        self.edited.add(record.key)
        self.put(record)

    def receive_batch(
        self, batch_id: str, changes: list[bytes], now_ms: int, sender_ms: int
    ) -> list[Result]:
        """The server half."""
        if batch_id in self.answers:
            return self.answers[batch_id]
        parsed = parse_changes([msgspec.Raw(change) for change in changes])
        wanted = keys(parsed)
        aliases = {key: self.aliases[key] for key in wanted & self.aliases.keys()}
        rows = {k: row for k in wanted | set(aliases.values()) if (row := self.row(k)) is not None}
        held = self.holders(natural_keys(parsed, rows)).values()
        rows |= {row.key: row for one in held if (row := self.row(one.key)) is not None}
        sender = Sender(
            device=Device(id=VERSION_ID, name="phone", role="editor"),
            now=at(now_ms),
            mono_ms=0,
            boot_id="",
            sender_now=at(sender_ms),
        )
        judgement = judge(parsed, rows, KNOWN, sender, aliases)
        for alias in judgement.aliases:
            self.named(alias)
        for accepted in judgement.accepted:
            self.accept(accepted.record, accepted.replaced)
        self.losers += [loser.record for loser in judgement.losers]
        self.answers[batch_id] = [
            msgspec.structs.replace(result, server_record=self.rows[key].to_wire())
            if not result.status.stands
            and (key := Key(result.table, result.canonical_id or result.record_id)) in self.rows
            else result
            for result in judgement.results
        ]
        return self.answers[batch_id]


def open_batch(node: Node) -> tuple[str, list[PendingEdit]] | None:
    """The batch without an answer, or a new one of all that is pending."""
    if node.outbox is None and node.pending:
        node.batches += 1
        edits = [PendingEdit(node.rows[k], p, None) for k, p in node.pending.items()]
        node.outbox = (f"{node.name}-{node.batches}", edits)
    return node.outbox


def encoded(edits: list[PendingEdit]) -> list[bytes]:
    return [msgspec.json.encode(upload_change(e)) for e in edits]


def judged(results: list[Result]) -> list[Verdict]:
    """What an answer with these results says."""
    return verdicts(
        UploadResponse(
            success=True,
            applied=0,
            rejected=0,
            conflicts=[],
            results=results,
            server_timestamp=at(0),
        )
    )


def answered(node: Node, told: list[Verdict], now_ms: int) -> None:
    """The client half of an upload."""
    assert node.outbox is not None
    for edit, verdict in zip(node.outbox[1], told, strict=True):
        sent = edit.record
        key = sent.key if sent.key in node.pending else node.aliases.get(sent.key, sent.key)
        if verdict.canonical_id not in (None, key.id):
            node.rekey(Alias(sent.table, key.id, verdict.canonical_id), now_ms)
            key = Key(sent.table, verdict.canonical_id)
        if verdict.server is not None:
            node.make_room(verdict.server, now_ms)
        node.write(settle(node.local(key), Sent(key.table, key.id, sent.version), verdict))
    node.outbox = None


def fetch(node: Node, limit: int, now_ms: int) -> None:
    """The client half of the feed: one page."""
    server = node.up
    assert server is not None
    if node.seen_epoch != server.epoch:
        node.seen_epoch, node.cursor, node.comparing = server.epoch, 0, True
    page = sorted((seq, key) for key, seq in server.feed.items() if seq > node.cursor)
    for seq, key in sorted(page, key=lambda one: one[0])[:limit]:
        fetched(node, server.rows[key], server.aliases.get(key), now_ms)
        node.cursor = seq
    if len(page) <= limit:
        node.comparing = False


def fetched(node: Node, incoming: Record, canonical: Key | None, now_ms: int) -> None:
    """The client half of one row of the feed; `canonical`: what its id names now."""
    if incoming.deleted and canonical is not None:
        node.rekey(Alias(incoming.table, incoming.id, canonical.id), now_ms)
    node.make_room(incoming, now_ms)
    node.write(receive(node.local(incoming.key), incoming, comparing=node.comparing))
