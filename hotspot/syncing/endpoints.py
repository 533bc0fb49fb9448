"""The server half of the protocol: `sync/changes` and `sync/upload` over any RecordStore."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import uuid4

import msgspec
from aiohttp import web

from hotspot import faults
from hotspot.clock import Clock
from hotspot.errors import BadRequest, BatchReused, NotFound
from hotspot.http.auth import authenticate
from hotspot.http.messages import answer, answer_encoded, read
from hotspot.model import instants, positions
from hotspot.model.changes import Parsed, adding, parse_changes, scopes
from hotspot.model.edits import Sender
from hotspot.model.fleet import Visits
from hotspot.model.judging import judge
from hotspot.model.records import Key, Record, parse_id
from hotspot.model.stores import (
    DeviceStore,
    FeedPage,
    FeedQuery,
    FeedScope,
    RecordStore,
    RecordTransaction,
)
from hotspot.model.tables import BY_NAME, Scope
from hotspot.model.wire import (
    DEFAULT_CHANGES,
    MAX_CHANGES,
    SYNCHRONIZED,
    UNKNOWN_SCOPE,
    Change,
    ChangesRequest,
    ChangesResponse,
    UploadRequest,
    UploadResponse,
    scope_state,
)
from hotspot.syncing.attendance import Attendance
from hotspot.syncing.naming import rows_to_judge

MAX_SCOPES = 2_000
MAX_UPLOAD = 10_000
_NAME_LIMIT = 200


class SyncEndpoints:
    """Handlers over one store; the clock is the node's own.

    `visits`: where it is kept who came; None where nobody looks.
    """

    def __init__(
        self,
        store: RecordStore,
        devices: DeviceStore,
        clock: Clock,
        visits: Visits | None = None,
    ) -> None:
        self._store = store
        self._devices = devices
        self._clock = clock
        self._visits = Attendance(visits, devices) if visits is not None else None

    def routes(self) -> list[web.RouteDef]:
        """The routes to mount."""
        return [
            web.post("/functions/v1/sync/changes", self.changes),
            web.post("/functions/v1/sync/upload", self.upload),
        ]

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """A page of the feed, for every scope asked for. Needs no token."""
        asked = await read(request, ChangesRequest)
        if asked.package_id is None:
            followed, compared = _scopes(asked)
            page = await self._store.read_changes(_query(asked, followed))
            states = [*page.scopes, *await self._to_compare(compared)]
            page = msgspec.structs.replace(page, scopes=states)
            token = None
        else:
            followed = await self._package_scopes(asked)
            page = await self._store.read_changes(_query(asked, followed))
            token = _joined(page)
        if self._visits is not None:
            await self._visits.served(request, asked, page)
        if asked.moved_only:
            states = positions.moved(page.scopes, set(followed))
            page = msgspec.structs.replace(page, scopes=states)
        faults.point("changes.read")
        return await answer(request, _page(page, token, self._clock))

    async def _to_compare(self, scopes: Sequence[Scope]) -> list[FeedScope]:
        """Whether these versions are known; what there is of them is not read yet."""
        found = await self._store.digest([(scope, ()) for scope in scopes]) if scopes else ()
        known = {one.scope: one.token is not None for one in found}
        return [FeedScope(scope, None, has, has) for scope, has in known.items()]

    async def _package_scopes(self, asked: ChangesRequest) -> list[tuple[Scope, str | None]]:
        """The short form: one package, whose token joins those of its versions."""
        assert asked.package_id is not None
        known = asked.package_id.isprintable()
        found = await self._store.package_scopes(asked.package_id) if known else None
        if found is None:
            raise NotFound(
                f"There is no package {asked.package_id[:80]!r} here: ask a hotspot that has it,"
                " or name its versions in 'scopes'."
            )
        tokens: list[str | None] = [None] * len(found)
        if asked.next_token is not None:
            given = asked.next_token.split(".")
            if len(given) != len(found):
                raise BadRequest("This nextToken belongs to another package.")
            tokens = [token or None for token in given]
        return list(zip(found, tokens, strict=True))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Judges a batch and commits it with its answer. Needs a token."""
        device = await authenticate(request, self._devices)
        asked = await read(request, UploadRequest)
        if len(asked.changes) > MAX_UPLOAD:
            raise BadRequest(f"A batch may have {MAX_UPLOAD} changes; send them in several.")
        now, mono_ms = self._clock.read()
        sender = Sender(
            device=device,
            now=now,
            mono_ms=mono_ms,
            boot_id=self._clock.boot_id,
            trusted=self._clock.trusted,
            sender_now=instant(request.headers.get("X-Client-Time"), "X-Client-Time"),
            synchronized=request.headers.get("X-Client-Clock") == SYNCHRONIZED,
        )
        batch = _Batch(asked, sender)
        body = await batch.write_to(self._store)
        faults.point("upload.committed")
        if self._visits is not None:
            await self._visits.uploaded(request, asked, device, batch.judged)
        return await answer_encoded(request, body)


class _Batch:
    """One upload on its way into the store. `judged`: changes that this attempt was the first to
    judge."""

    def __init__(self, asked: UploadRequest, sender: Sender) -> None:
        self.id = asked.batch_id or str(uuid4())
        self.redeliver = asked.redeliver
        self.sender = sender
        self.judged = 0
        self.body_hash = _body_hash(asked)
        self.changes: list[Parsed] = parse_changes(asked.changes)
        if len(self.id) > _NAME_LIMIT or not self.id.isprintable():
            raise BadRequest(f"A batchId may have {_NAME_LIMIT} characters that can be printed.")

    async def write_to(self, store: RecordStore) -> bytes:
        """The encoded answer: that of the first time, if the batch was judged before."""
        return await store.write(self._work)

    async def _work(self, tx: RecordTransaction) -> bytes:
        device_id = self.sender.device.id
        self.judged = 0
        stored = await tx.stored_answer(device_id, self.id)
        if stored is not None:
            if stored.body_hash != self.body_hash:
                raise BatchReused("This batchId was used for other changes: choose a new one.")
            return stored.answer
        body = await self._judge(tx)
        await tx.store_answer(device_id, self.id, self.body_hash, body)
        faults.point("upload.judged")
        self.judged = len(self.changes)
        return body

    async def _judge(self, tx: RecordTransaction) -> bytes:
        await tx.take_turns(adding(self.changes))
        current, aliases = await rows_to_judge(tx, self.changes)
        known = await tx.known_scopes(scopes(self.changes))
        judgement = judge(self.changes, current, known, self.sender, aliases)
        written = None
        if judgement.accepted:
            await tx.accept(judgement.accepted)
            written = await tx.name()
        if judgement.aliases:
            await tx.add_aliases(judgement.aliases)
        if judgement.losers:
            await tx.keep_losers(judgement.losers)
        if self.redeliver:
            lost = {result.key for result in judgement.results if not result.status.stands}
            await tx.redeliver(lost & current.keys())
        stand = sum(result.status.stands for result in judgement.results)
        return msgspec.json.encode(
            UploadResponse(
                success=stand == len(self.changes),
                applied=stand,
                rejected=len(self.changes) - stand,
                conflicts=list(judgement.conflicts),
                results=list(judgement.results),
                server_timestamp=self.sender.now,
                written=written,
            )
        )


def _body_hash(asked: UploadRequest) -> str:
    """Names what is asked, apart from when and by which attempt."""
    digest = sha256(b"redeliver" if asked.redeliver else b"")
    for change in asked.changes:
        digest.update(b"\n" + bytes(change))
    return digest.hexdigest()


def _scopes(asked: ChangesRequest) -> tuple[list[tuple[Scope, str | None]], list[Scope]]:
    """The versions to read, each with its token; and those to be compared first."""
    if asked.scopes is None:
        raise BadRequest("The request names neither scopes nor a packageId.")
    if len(asked.scopes) > MAX_SCOPES:
        raise BadRequest(f"A request may name {MAX_SCOPES} scopes; ask in several.")
    named = [(checked(one.scope), one) for one in asked.scopes]
    followed = [(scope, one.next_token) for scope, one in named if not one.compare]
    return followed, [scope for scope, one in named if one.compare]


def checked(scope: Scope | None) -> Scope:
    """The version that a part of a request names. Raises BadRequest for none."""
    if scope is None:
        raise BadRequest("Each scope names one textVersionId or one audioVersionId.")
    check_id(scope.id)
    return scope


def check_id(text: str) -> None:
    """Raises BadRequest unless `text` is a record id."""
    try:
        parse_id(text)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _query(asked: ChangesRequest, followed: Sequence[tuple[Scope, str | None]]) -> FeedQuery:
    if asked.tables is not None and not set(asked.tables) <= BY_NAME.keys():
        raise BadRequest("'tables' names a table that does not exist.")
    if asked.record_ids is not None and len(asked.record_ids) > MAX_CHANGES:
        raise BadRequest(f"'recordIds' may name {MAX_CHANGES} records; ask in several.")
    for record_id in asked.record_ids or ():
        check_id(record_id)
    if asked.written is not None and len(asked.written) > MAX_SCOPES:
        raise BadRequest(f"'written' may name {MAX_SCOPES} uploads.")
    limit = DEFAULT_CHANGES if asked.max_changes is None else asked.max_changes
    return FeedQuery(
        scopes=followed,
        limit=min(max(limit, 1), MAX_CHANGES),
        since=instant(asked.last_sync_timestamp, "lastSyncTimestamp"),
        tables=asked.tables,
        record_ids=asked.record_ids,
        written=asked.written or (),
    )


def instant(text: str | None, name: str) -> str | None:
    """The instant that a part of a request names. Raises BadRequest for what is none."""
    try:
        return None if text is None else instants.parse(text)
    except ValueError:
        raise BadRequest(f"{name} must be a date and time.") from None


def _joined(page: FeedPage) -> str:
    return ".".join(one.token or "" for one in page.scopes)


def _page(page: FeedPage, token: str | None, clock: Clock) -> ChangesResponse:
    states = [
        scope_state(one.scope, one.token, one.has_more, "ok" if one.known else UNKNOWN_SCOPE)
        for one in page.scopes
    ]
    return ChangesResponse(
        changes=[_change(record, page.aliases.get(record.key)) for record in page.records],
        scopes=states,
        has_more=any(state.has_more for state in states),
        server_timestamp=clock.now(),
        server_clock=SYNCHRONIZED if clock.trusted else None,
        next_token=token,
    )


def _change(record: Record, canonical: Key | None) -> Change:
    new = record.created_at == record.updated_at
    return Change(
        table=record.table,
        record_id=record.id,
        operation="DELETE" if record.deleted else "INSERT" if new else "UPDATE",
        record=dict(record.to_wire()),
        version=record.version,
        changed_at=record.updated_at,
        changed_by=record.updated_by,
        canonical_id=canonical.id if canonical is not None else msgspec.UNSET,
    )
