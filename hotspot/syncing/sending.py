"""The client half's way up: pending edits in batches, each kept before it is sent.

A batch without an answer is sent again, byte for byte, under the same id; the upstream gives the
answer that it gave the first time. So a cut costs nothing and repeats nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import uuid4

import msgspec

from hotspot.clock import Clock
from hotspot.errors import BatchReused, UpstreamRefused
from hotspot.model import records
from hotspot.model.merge import Local, Sent, Status, Verdict, settle
from hotspot.model.records import Key, Record
from hotspot.model.stores import OpenBatch, PendingEdit, ReplicaStore, ReplicaTransaction
from hotspot.model.tables import BY_NAME, Scope
from hotspot.model.timeline import dated
from hotspot.model.wire import UNKNOWN_SCOPE, Conflict, Result, UploadChange, UploadResponse
from hotspot.syncing.upstream import Upstream

BATCH = 1_000


class Uploads:
    """Sends what is pending. `sent`: edits answered, by scope; `conflicts`: those not standing."""

    def __init__(self, store: ReplicaStore, upstream: Upstream, clock: Clock) -> None:
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self.sent: Counter[Scope] = Counter()
        self.conflicts = 0
        self.requests = 0

    async def run(self) -> None:
        """Sends open batches again, then all that is pending."""
        for batch in await self._store.open_batches():
            await self._send(batch)
        while edits := await self._store.pending_edits(BATCH):
            await self._send(await self._keep(edits))

    async def _keep(self, edits: Sequence[PendingEdit]) -> OpenBatch:
        batch = encode_batch(str(uuid4()), edits, self._clock)

        async def work(tx: ReplicaTransaction) -> None:
            await tx.keep_batch(batch)

        await self._store.write_replica(work)
        return batch

    async def _send(self, batch: OpenBatch) -> None:
        self.requests += 1
        try:
            answer = await self._upstream.upload(batch.body)
        except BatchReused:
            await self._settle(batch, [])
            return
        if len(answer.results) != len(batch.sent):
            raise UpstreamRefused("The server answered for other changes than those it was sent.")
        held = await self._settle(batch, verdicts(answer))
        unknown = self._count(answer.results, held)
        await self._store.mark_scopes(known=(), unknown=unknown)

    async def _settle(self, batch: OpenBatch, judged: Sequence[Verdict]) -> dict[Key, Local]:
        """Writes what the verdicts lead to; with none, the batch is only forgotten."""
        now = self._clock.now()

        async def work(tx: ReplicaTransaction) -> dict[Key, Local]:
            held = await tx.locals([Key(one.table, one.id) for one in batch.sent])
            pairs = zip(batch.sent, judged, strict=False)
            await tx.settle([settle(held[Key(s.table, s.id)], s, v) for s, v in pairs], now)
            await tx.close_batch(batch.id)
            return held

        return await self._store.write_replica(work)

    def _count(self, results: Sequence[Result], held: Mapping[Key, Local]) -> set[Scope]:
        """Counts by scope; returns the scopes that the upstream does not know."""
        unknown = set()
        for result in results:
            record = held[Key(result.table, result.record_id)].record
            scope = record.scope if record is not None else None
            if scope is None:
                continue
            if result.code == UNKNOWN_SCOPE:
                unknown.add(scope)
                continue
            self.sent[scope] += 1
            self.conflicts += not result.status.stands
        return unknown


def encode_batch(batch_id: str, edits: Sequence[PendingEdit], clock: Clock) -> OpenBatch:
    """The batch of these edits, each dated by what is known now."""
    changes = [
        upload_change(
            edit,
            dated(edit.record.updated_at, edit.pending.dating, clock.timeline, clock.boot_id),
        )
        for edit in edits
    ]
    body = msgspec.json.encode({"batchId": batch_id, "changes": changes})
    sent = [Sent(e.record.table, e.record.id, e.record.version) for e in edits]
    return OpenBatch(batch_id, body, sent)


def upload_change(edit: PendingEdit, stamp: str) -> UploadChange:
    """One pending edit as it goes up: the whole record, so that a server without it can add it."""
    record = edit.record
    new = edit.pending.base_version is None
    return UploadChange(
        table=record.table,
        record_id=record.id,
        operation="DELETE" if record.deleted else "INSERT" if new else "UPDATE",
        record=dict(record.to_wire()),
        local_timestamp=stamp,
        undated=edit.pending.undated,
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


def _verdict(result: Result, conflict: Conflict | None) -> Verdict:
    raw = result.server_record
    if raw is None and conflict is not None:
        raw = dict(conflict.server_record or {}) or None
    return Verdict(
        status=result.status,
        updated_at=result.updated_at,
        version=result.version,
        server=_record(result, raw) if raw is not None else None,
        reason=(conflict.reason if conflict else result.reason) or "",
        waits=result.code == UNKNOWN_SCOPE,
    )


def _record(result: Result, raw: Mapping[str, object]) -> Record:
    table = BY_NAME.get(result.table)
    if table is None:
        raise UpstreamRefused("The server answered for a table that does not exist.")
    try:
        return records.from_wire(table, result.record_id, raw)
    except ValueError as error:
        raise UpstreamRefused(f"The server sent a record that cannot be used. {error}") from None
