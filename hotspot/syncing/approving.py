"""Rows of approved packages on their way up: only those that the upstream lacks, and only as new.

Nothing remembers how far this came: what arrived is not lacking any more when it begins again.
"""

from collections.abc import Iterator, Sequence
from uuid import uuid4

from hotspot.clock import Clock
from hotspot.errors import NotFound
from hotspot.model.batches import encode_rows
from hotspot.model.digest import Range
from hotspot.model.digest_wire import DigestRequest, DigestState, digest_scope
from hotspot.model.merge import Status
from hotspot.model.records import Key
from hotspot.model.stores import ReplicaStore
from hotspot.model.tables import Scope
from hotspot.model.wire import EXISTS, UNKNOWN_SCOPE
from hotspot.syncing.sending import BATCH, Uploads
from hotspot.syncing.upstream import Upstream


class Approvals:
    """Sends what was approved. `requests`: those that asked what the upstream has."""

    def __init__(
        self, store: ReplicaStore, upstream: Upstream, clock: Clock, uploads: Uploads
    ) -> None:
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self._uploads = uploads
        self.requests = 0

    async def run(self) -> None:
        """Sends the rows of every approved package that is not finished.

        Their stamps are times, so nothing goes up before the time is known here.
        """
        for package_id, scopes in await self._store.approved():
            known = {scope: await self._knows(scope) for scope in scopes}
            if not self._clock.trusted:
                return
            reason = None
            for scope in scopes:
                reason = await self._send_version(package_id, scope, known[scope]) or reason
            await self._store.finish_approval(package_id, reason, self._clock.now())

    async def _send_version(self, package_id: str, scope: Scope, known: bool) -> str | None:
        """Sends what the upstream lacks of a version; the first reason why some was refused.

        Nothing more is sent once nothing of a batch was taken.
        """
        version, *keys = await self._store.approved_rows(package_id, scope)
        reason, taken = None, True
        if not known:
            reason, taken = await self._add(scope, [version])
        if taken:
            await self._store.mark_scopes(known=[scope], unknown=[])
        for ids, some in pieces(keys):
            if not taken:
                break
            there = await self._there(scope, ids) if known else set()
            refused, taken = await self._add(scope, [key for key in some if key not in there])
            reason = reason or refused
        return reason

    async def _add(self, scope: Scope, keys: Sequence[Key]) -> tuple[str | None, bool]:
        """Sends these rows; why the first that was refused was, and whether any was not."""
        if not keys:
            return None, True
        batch = encode_rows(str(uuid4()), await self._store.rows(keys))
        answer = await self._uploads.send(batch, {scope})
        results = answer.results if answer is not None else []
        refused = [r for r in results if r.status is Status.REJECTED and r.code != EXISTS]
        return refused[0].reason if refused else None, len(refused) < len(results)

    async def _knows(self, scope: Scope) -> bool:
        """Whether the upstream has the version itself."""
        state = await self._digest(scope)
        return state is not None and state.status != UNKNOWN_SCOPE

    async def _there(self, scope: Scope, ids: Range) -> set[Key]:
        """The rows in this range of ids that the upstream has."""
        state = await self._digest(scope, ids)
        return {Key(row.table, row.id) for row in state.rows} if state is not None else set()

    async def _digest(self, scope: Scope, *lists: Range) -> DigestState | None:
        """What the upstream says of a version; None where it has no digests."""
        self.requests += 1
        try:
            answer = await self._upstream.digest(
                DigestRequest(scopes=[digest_scope(scope, [], lists)])
            )
        except NotFound:
            return None
        self._clock.learn(answer.server_timestamp)
        return next((state for state in answer.scopes if state.scope == scope), None)


def pieces(keys: Sequence[Key]) -> Iterator[tuple[Range, Sequence[Key]]]:
    """Batches of `keys`, which are in the order of their ids, each with the range it fills."""
    for start in range(0, len(keys), BATCH):
        following = keys[start + BATCH].id if start + BATCH < len(keys) else ""
        yield Range(keys[start].id, following), keys[start : start + BATCH]
