"""The server half of comparing: `sync/digest` over any RecordStore."""

from collections.abc import Sequence

from aiohttp import web

from hotspot.clock import Clock
from hotspot.errors import BadRequest
from hotspot.http.messages import answer, read
from hotspot.model.digest import Range, RowVersion, check_ranges
from hotspot.model.digest_wire import DigestRequest, DigestResponse, DigestScope, digest_state
from hotspot.model.stores import RecordStore
from hotspot.model.tables import Scope
from hotspot.syncing.endpoints import checked

MAX_SCOPES = 100
MAX_RANGES = 5_000
MAX_ROWS = 50_000
"""What one request may ask for."""


class DigestEndpoint:
    """The handler over one store; the clock is the node's own."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The routes to mount."""
        return [web.post("/functions/v1/sync/digest", self.digest)]

    async def digest(self, request: web.Request) -> web.StreamResponse:
        """Digests of ranges of ids, and the rows of small ones. Needs no token."""
        asked = await read(request, DigestRequest)
        questions = _questions(asked)
        found = await self._store.digest([(scope, one.ranges) for scope, one in questions])
        rows = await self._rows(questions)
        states = [
            digest_state(one.scope, one.token, one.sums, listed)
            for one, listed in zip(found, rows, strict=True)
        ]
        return await answer(
            request, DigestResponse(scopes=states, server_timestamp=self._clock.now())
        )

    async def _rows(
        self, questions: Sequence[tuple[Scope, DigestScope]]
    ) -> list[Sequence[RowVersion]]:
        """The rows asked for, once it is clear that they are not too many."""
        counted = await self._store.digest([(scope, one.lists) for scope, one in questions])
        if sum(ids.count for one in counted for ids in one.sums) > MAX_ROWS:
            raise BadRequest(f"An answer lists at most {MAX_ROWS} rows; ask for smaller ranges.")
        return [
            await self._store.list_versions(scope, one.lists) if one.lists else ()
            for scope, one in questions
        ]


def _questions(asked: DigestRequest) -> list[tuple[Scope, DigestScope]]:
    """What is asked of each version. Raises BadRequest."""
    questions = [(checked(one.scope), one) for one in asked.scopes]
    if len(questions) > MAX_SCOPES or len({scope for scope, _ in questions}) < len(questions):
        raise BadRequest(f"A request may name {MAX_SCOPES} scopes, each once; ask in several.")
    ranges: list[Sequence[Range]] = [[*one.ranges, *one.lists] for _, one in questions]
    if sum(map(len, ranges)) > MAX_RANGES:
        raise BadRequest(f"A request may name {MAX_RANGES} ranges; ask in several.")
    for _, one in questions:
        _check(one.ranges)
        _check(one.lists)
    return questions


def _check(ranges: Sequence[Range]) -> None:
    try:
        check_ranges(ranges)
    except ValueError as error:
        raise BadRequest(str(error)) from None
