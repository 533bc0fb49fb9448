"""The first look at a version that came from a stick: digests say what differs, and only that
comes down.

The position is that of the first answer, so whatever changes meanwhile comes in the feed. What was
merged stays merged; a comparison that is cut off begins again, and finds less.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence, Set

from msgspec.structs import replace

from hotspot.clock import Clock
from hotspot.errors import NotFound, UpstreamRefused
from hotspot.model.digest import (
    WHOLE,
    Index,
    Range,
    RowVersion,
    Sum,
    differing,
    next_step,
    too_different,
)
from hotspot.model.digest_wire import DigestRequest, DigestScope, DigestState, digest_scope
from hotspot.model.merge import missed
from hotspot.model.records import Key
from hotspot.model.stores import Position, ReplicaStore, ReplicaTransaction
from hotspot.model.tables import Scope
from hotspot.model.wire import MAX_CHANGES, UNKNOWN_SCOPE, ChangesRequest, scope_request
from hotspot.syncing.receiving import Page
from hotspot.syncing.upstream import Upstream

SCOPES = 100
RANGES = 2_000
RECORDS = 1_000
"""What one request asks for at most."""


class Comparisons:
    """Compares versions with the upstream's. `received`: records written, by scope."""

    def __init__(self, store: ReplicaStore, upstream: Upstream, clock: Clock) -> None:
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self.received: Counter[Scope] = Counter()
        self.requests = 0

    async def run(self, positions: Sequence[Position]) -> None:
        """Settles what differs in these versions, and moves their positions.

        Those of which little is equal keep their positions, and are read from the feed; so are
        all where the upstream has no digests. The feed does not say what the upstream lacks, so it
        is asked for what was edited here.
        """
        for start in range(0, len(positions), SCOPES):
            some = positions[start : start + SCOPES]
            try:
                await self._compare(some)
            except NotFound:
                for one in some:
                    await self._ask_for_edited(one.scope)

    async def _compare(self, positions: Sequence[Position]) -> None:
        theirs = await self._ask([digest_scope(one.scope, [WHOLE]) for one in positions])
        ours = await self._store.digest([(one.scope, [WHOLE]) for one in positions])
        known = {one.scope for one in positions if theirs[one.scope].status != UNKNOWN_SCOPE}
        await self._store.mark_scopes(known, {one.scope for one in positions} - known)
        equal, different = [], []
        for position, own in zip(positions, ours, strict=True):
            state = theirs[position.scope]
            if position.scope in known:
                moved = replace(position, token=state.next_token, comparing=False)
                (whole,) = state.sums
                if own.sums == [whole]:
                    equal.append(moved)
                else:
                    different.append((moved, whole))
        if equal:
            await self._store.write_replica(lambda tx: tx.set_positions(equal))
        for moved, whole in different:
            await self._settle(moved, whole)

    async def _ask(self, scopes: Sequence[DigestScope]) -> dict[Scope, DigestState]:
        """The answers by scope. Raises UpstreamRefused for those to other questions."""
        self.requests += 1
        answer = await self._upstream.digest(DigestRequest(scopes=list(scopes)))
        found = {}
        for asked, state in zip(scopes, answer.scopes, strict=False):
            answered = state.status == UNKNOWN_SCOPE or len(state.sums) == len(asked.ranges)
            if state.scope is not None and state.scope == asked.scope and answered:
                found[state.scope] = state
        if len(found) != len(scopes):
            raise UpstreamRefused("The server answered another question than it was asked.")
        return found

    async def _settle(self, moved: Position, whole: Sum) -> None:
        """Finds and merges what differs; nothing where reading the whole feed costs less."""
        found = await self._search(moved.scope, whole)
        if found is None:
            await self._ask_for_edited(moved.scope)
            return
        changed, only_ours = found
        ids = sorted({row.id for row in (*changed, *only_ours)})
        await self._fetch_all(moved.scope, ids, {Key(row.table, row.id) for row in only_ours})
        await self._store.write_replica(lambda tx: tx.set_positions([moved]))

    async def _search(
        self, scope: Scope, whole: Sum
    ) -> tuple[list[RowVersion], list[RowVersion]] | None:
        """Rows of theirs that are not ours, and ours that they lack; None if most would differ."""
        held = await self._store.list_versions(scope, [WHOLE])
        ours = await asyncio.to_thread(Index, held)
        rows = max(whole.count, ours.sum(WHOLE).count)
        step = next_step(ours, [WHOLE], [whole])
        listed = step.listed
        own: list[RowVersion] = []
        other: list[RowVersion] = []
        while step.sums or step.lists:
            if too_different(listed, rows):
                return None
            own += [row for ids in step.lists for row in ours.rows(ids)]
            sums, found = await self._look(scope, step.sums, step.lists)
            other += found
            step = next_step(ours, step.sums, sums)
            listed += step.listed
        return differing(own, other)

    async def _look(
        self, scope: Scope, sums: Sequence[Range], lists: Sequence[Range]
    ) -> tuple[list[Sum], list[RowVersion]]:
        """The digests of `sums` and the rows of `lists`, in as many requests as it takes."""
        found: list[Sum] = []
        rows: list[RowVersion] = []
        for start in range(0, max(len(sums), len(lists)), RANGES):
            end = start + RANGES
            answers = await self._ask([digest_scope(scope, sums[start:end], lists[start:end])])
            state = answers[scope]
            if state.status == UNKNOWN_SCOPE:
                raise UpstreamRefused("The server lost a version while it was compared.")
            found += state.sums
            rows += state.rows
        return found, rows

    async def _ask_for_edited(self, scope: Scope) -> None:
        edited = set(await self._store.edited_records(scope))
        await self._fetch_all(scope, sorted({key.id for key in edited}), edited)

    async def _fetch_all(self, scope: Scope, ids: Sequence[str], missing: Set[Key]) -> None:
        for start in range(0, len(ids), RECORDS):
            await self._fetch(scope, ids[start : start + RECORDS], missing)

    async def _fetch(self, scope: Scope, ids: Sequence[str], missing: Set[Key]) -> None:
        """Merges the named records; of those in `missing` that did not come, ours may go up."""
        self.requests += 1
        answer = await self._upstream.changes(
            ChangesRequest(
                scopes=[scope_request(scope)], record_ids=list(ids), max_changes=MAX_CHANGES
            )
        )
        page, now, asked = Page(answer.changes), self._clock.now(), set(ids)
        lacking = [key for key in missing - page.keys if key.id in asked]

        async def work(tx: ReplicaTransaction) -> Counter[Scope]:
            written = await page.merge(tx, lambda _: True, now)
            held = await tx.locals(lacking)
            await tx.settle([missed(key, held[key]) for key in lacking], now)
            return written

        self.received += await self._store.write_replica(work)
