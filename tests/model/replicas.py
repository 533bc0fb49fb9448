"""Nodes in memory that use the real judging, settling and receiving, for random runs.

They stand for stores only: the real ones are held to the same behaviour by the contract suite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from hotspot.model.batches import upload_change
from hotspot.model.changes import keys, parse_changes
from hotspot.model.judging import Sender, judge
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
from hotspot.model.records import Key, Record, from_wire
from hotspot.model.stores import Device, PendingEdit
from hotspot.model.tables import BY_NAME, Scope, ScopeKind
from hotspot.model.wire import Result
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
        self.seq += 1
        self.feed[record.key] = self.seq

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
        rows = {key: row for key in keys(parsed) if (row := self.row(key)) is not None}
        sender = Sender(
            device=Device(id=VERSION_ID, name="phone", role="editor"),
            now=at(now_ms),
            mono_ms=0,
            boot_id="",
            sender_now=at(sender_ms),
        )
        judgement = judge(parsed, rows, KNOWN, sender)
        for accepted in judgement.accepted:
            self.accept(accepted.record, accepted.replaced)
        self.losers += [loser.record for loser in judgement.losers]
        self.answers[batch_id] = [
            msgspec.structs.replace(result, server_record=self.rows[key].to_wire())
            if not result.status.stands and (key := Key(result.table, result.record_id))
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
    return [msgspec.json.encode(upload_change(e, e.record.updated_at)) for e in edits]


def answered(node: Node, results: list[Result]) -> None:
    """The client half of an upload."""
    assert node.outbox is not None
    for edit, result in zip(node.outbox[1], results, strict=True):
        key = edit.record.key
        server = _server_row(result)
        verdict = Verdict(
            status=result.status,
            updated_at=result.updated_at,
            version=result.version,
            server=server,
        )
        sent = Sent(key.table, key.id, edit.record.version)
        node.write(settle(node.local(key), sent, verdict))
    node.outbox = None


def _server_row(result: Result) -> Record | None:
    raw: Mapping[str, object] | None = result.server_record
    return from_wire(BY_NAME[result.table], result.record_id, raw) if raw else None


def fetch(node: Node, limit: int) -> None:
    """The client half of the feed: one page."""
    server = node.up
    assert server is not None
    if node.seen_epoch != server.epoch:
        node.seen_epoch, node.cursor, node.comparing = server.epoch, 0, True
    page = sorted((seq, key) for key, seq in server.feed.items() if seq > node.cursor)
    for seq, key in sorted(page, key=lambda one: one[0])[:limit]:
        node.write(receive(node.local(key), server.rows[key], comparing=node.comparing))
        node.cursor = seq
    if len(page) <= limit:
        node.comparing = False
