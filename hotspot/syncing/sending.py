"""The client half's way up: pending edits in batches, each kept before it is sent.

A batch without an answer is sent again, byte for byte, under the same id; the upstream gives the
answer that it gave the first time. So a cut costs nothing and repeats nothing. While one batch
travels, another is prepared, and the answer to a third is written.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Set
from uuid import uuid4

from hotspot import faults
from hotspot.clock import Clock
from hotspot.errors import BatchReused, UpstreamRefused
from hotspot.model.batches import OpenBatch, confirms, encode_batch, verdicts
from hotspot.model.merge import Verdict, settle
from hotspot.model.records import Key
from hotspot.model.stores import ReplicaStore, ReplicaTransaction
from hotspot.model.tables import Scope
from hotspot.model.wire import ChangesRequest, UploadResponse
from hotspot.syncing.naming import follow_answers
from hotspot.syncing.upstream import Upstream

BATCH = 1_000
LANES = 3
"""Batches on their way at once. Their records differ, so it does not matter which arrives first."""

Counted = tuple[Iterable[Scope | None], Iterable[tuple[Scope | None, Verdict]]]
"""The scopes of edits that stand as they were sent, and those of the others with the answers."""


class Uploads:
    """Sends what is pending.

    `sent`: edits answered, by scope; `conflicts`: those not standing; `written`: what the upstream
    calls what it wrote of them.
    """

    def __init__(self, store: ReplicaStore, upstream: Upstream, clock: Clock) -> None:
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self._choosing = asyncio.Lock()
        self.sent: Counter[Scope] = Counter()
        self.conflicts = 0
        self.written: list[str] = []
        self.requests = 0

    async def run(self) -> None:
        """Sends open batches again, then all that is pending."""
        batches = await self._store.open_batches()
        if not self._clock.trusted and (batches or await self._store.pending_edits(1)):
            await self._learn_time()
        for batch in batches:
            await self._settle(batch, await self._post(batch))
        ended = await asyncio.gather(*(self._lane() for _ in range(LANES)), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    async def send(self, batch: OpenBatch, scopes: Set[Scope]) -> UploadResponse | None:
        """Sends one more batch, of rows of these versions, and writes what the answer leads to."""
        await self._keep(batch, scopes)
        answer = await self._post(batch)
        await self._settle(batch, answer)
        return answer

    async def _learn_time(self) -> None:
        """Asks what time it is, so that edits are dated before they are sent."""
        self.requests += 1
        await self._upstream.changes(ChangesRequest(scopes=[]))
        if self._clock.trusted:
            await self._store.keep_time()

    async def _lane(self) -> None:
        """Sends one batch after the other until nothing more is pending."""
        while (batch := await self._next()) is not None:
            await self._settle(batch, await self._post(batch))

    async def _next(self) -> OpenBatch | None:
        """A batch of what is pending, kept so that it can be sent again; None if nothing is."""
        async with self._choosing:
            edits = await self._store.pending_edits(BATCH)
            if not edits:
                return None
            batch = encode_batch(str(uuid4()), edits, self._clock.guessing_in)

            scopes = {edit.record.scope for edit in edits if edit.record.scope is not None}
            await self._keep(batch, scopes)
            return batch

    async def _keep(self, batch: OpenBatch, scopes: Set[Scope]) -> None:
        """Makes sure of a batch of rows of these versions before it is sent."""
        now = self._clock.now()

        async def work(tx: ReplicaTransaction) -> None:
            await tx.keep_batch(batch)
            await tx.begin_log(scopes, now)

        await self._store.write_replica(work)
        faults.point("session.kept")

    async def _post(self, batch: OpenBatch) -> UploadResponse | None:
        """The upstream's answer; None where the batch cannot be sent any more as it is.

        That is where its id was used for another, and where its stamps are by another guess of
        the time than that which the upstream would be shown.
        """
        if batch.guessed_in not in (None, self._clock.guessing_in):
            return None
        self.requests += 1
        try:
            by_this_clock = batch.guessed_in == self._clock.guessing_in
            timeline = self._clock.timeline if by_this_clock else None
            answer = await self._upstream.upload(batch.body, timeline)
        except BatchReused:
            return None
        if len(answer.results) != len(batch.sent):
            raise UpstreamRefused("The server answered for other changes than those it was sent.")
        faults.point("session.answered")
        return answer

    async def _settle(self, batch: OpenBatch, answer: UploadResponse | None) -> None:
        """Writes what the answer leads to; without one, the batch is only forgotten."""
        judged = verdicts(answer) if answer is not None else []
        now = self._clock.now()

        async def work(tx: ReplicaTransaction) -> Counted:
            answers = list(zip(batch.sent, judged, strict=False))
            as_sent = await tx.confirm([one[0] for one in answers if confirms(*one)], now)
            rest = [one for one in answers if Key(one[0].table, one[0].id) not in as_sent]
            held = await follow_answers(tx, [sent for sent, _ in rest], [v for _, v in rest], now)
            outcomes = [settle(*one, verdict) for one, (_, verdict) in zip(held, rest, strict=True)]
            await tx.settle(outcomes, now)
            await tx.close_batch(batch.id)
            scopes = [local.record.scope if local.record else None for local, _ in held]
            return as_sent.values(), zip(scopes, (verdict for _, verdict in rest), strict=True)

        as_sent, others = await self._store.write_replica(work)
        faults.point("session.settled")
        self.sent.update(scope for scope in as_sent if scope is not None)
        await self._store.mark_scopes(known=(), unknown=self._count(others))
        if answer is not None and answer.written is not None:
            self.written.append(answer.written)

    def _count(self, others: Iterable[tuple[Scope | None, Verdict]]) -> set[Scope]:
        """Counts by scope; returns the scopes that the upstream does not know."""
        unknown = set()
        for scope, verdict in others:
            if scope is None:
                continue
            if verdict.waits:
                unknown.add(scope)
                continue
            self.sent[scope] += 1
            self.conflicts += not verdict.status.stands
        return unknown
