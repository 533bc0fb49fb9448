"""A phone: the decisions of `tests.model.replicas` in memory, and the protocol over HTTP."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import msgspec
from msgspec.structs import replace

from hotspot.model import records
from hotspot.model.aliases import natural_key, renamed
from hotspot.model.batches import upload_change, verdicts
from hotspot.model.merge import Pending
from hotspot.model.records import Key, Record, Values, make
from hotspot.model.stores import PendingEdit
from hotspot.model.tables import BY_NAME
from hotspot.model.wire import (
    Change,
    ChangesRequest,
    ChangesResponse,
    UploadResponse,
    scope_request,
)
from tests.contract.opened import TEXT
from tests.convergence.network import Network, Truth
from tests.model.builders import START_MS
from tests.model.replicas import Node, answered, fetched, open_batch

T = TypeVar("T")


@dataclass
class Phone:
    """One phone, paired with the hotspot `hub`.

    `off_ms`: how far its clock is ahead. `tells_time`: whether it sends X-Client-Time.
    `partial`: whether it sends only the columns that it changed.
    """

    name: str
    hub: str
    token: str
    truth: Truth
    network: Network
    off_ms: int = 0
    tells_time: bool = True
    partial: bool = False
    node: Node = field(init=False)
    bases: dict[Key, Record] = field(default_factory=dict)
    next_token: str | None = None
    _sent: tuple[str, bytes] = ("", b"")

    def __post_init__(self) -> None:
        self.node = Node(self.name, up=Node(self.hub))

    @property
    def clock(self) -> str:
        return self.truth.now(self.off_ms)

    @property
    def now_ms(self) -> int:
        """The same, as `tests.model.builders` counts."""
        return self.truth.ms + self.off_ms - START_MS

    def own_rows(self) -> dict[Key, Record]:
        """Its rows, without deleted ones that only say that their id is another record's."""
        node = self.node
        return {k: row for k, row in node.rows.items() if not row.deleted or k not in node.aliases}

    def verses(self) -> list[Record]:
        """What can be edited: an id that names another record cannot."""
        rows = sorted(self.own_rows().values(), key=lambda row: row.id)
        return [row for row in rows if row.table == "verse_texts"]

    def free(self, record: Record) -> bool:
        """Whether no other live row has the natural key of this one."""
        key = natural_key(record)
        assert key is not None
        return self.node.holders([key]).get(key, record).id == record.id

    def edit(self, row: Record, changes: Values) -> bool:
        """Somebody changes these columns of a verse; whether that was possible.

        A verse that is gone is written anew.
        """
        stamp = self.clock
        if "deleted_at" in changes:
            changes = {**changes, "deleted_at": stamp}
        edited = make(row, stamp, {**row.values, "deleted_at": None, **changes})
        if not edited.deleted and not self.free(edited):
            return False
        if row.key not in self.node.pending:
            self.bases[row.key] = row
        self._write(edited, Pending(row.version))
        return True

    def create(self, like: Record, record_id: str) -> bool:
        """Somebody writes a verse that is not here, under an id of the phone's own."""
        new = renamed(like, record_id).stamped(self.clock)
        if not self.free(new):
            return False
        self._write(new, Pending(None))
        return True

    def _write(self, record: Record, pending: Pending) -> None:
        self.node.pending.setdefault(record.key, pending)
        self.node.edited.add(record.key)
        self.node.put(record)

    async def exchange(self, page: int) -> None:
        """Sends what waits, then reads one page of the feed, as far as the network allows."""
        batch = open_batch(self.node)
        try:
            if batch is not None:
                await self._upload(*batch)
            await self._fetch(page)
        except (aiohttp.ClientError, OSError):
            return

    async def _upload(self, batch_id: str, edits: list[PendingEdit]) -> None:
        if self._sent[0] != batch_id:
            changes = [self._change(edit) for edit in edits]
            body = msgspec.json.encode({"batchId": batch_id, "changes": changes})
            self._sent = (batch_id, body)
        headers = {"Authorization": f"Bearer {self.token}"}
        if self.tells_time:
            headers["X-Client-Time"] = self.clock
        answer = await self._post("upload", self._sent[1], UploadResponse, headers)
        answered(self.node, verdicts(answer), self.now_ms)

    def _change(self, edit: PendingEdit) -> object:
        change = upload_change(edit)
        base = self.bases.get(edit.record.key)
        if not self.partial or base is None or edit.pending.base_version is None:
            return change
        values = edit.record.values
        return replace(
            change, record={name: v for name, v in values.items() if v != base.values[name]}
        )

    async def _fetch(self, page: int) -> None:
        asked = ChangesRequest(scopes=[scope_request(TEXT, self.next_token)], max_changes=page)
        try:
            answer = await self._post("changes", msgspec.json.encode(asked), ChangesResponse, {})
        except aiohttp.ClientResponseError as error:
            if error.status == 410:
                self.next_token, self.node.comparing = None, True
            return
        for change in answer.changes:
            self._merge(change)
        (state,) = answer.scopes
        self.next_token = state.next_token
        self.node.comparing = self.node.comparing and state.has_more

    def _merge(self, change: Change) -> None:
        record = records.from_wire(BY_NAME[change.table], change.record_id, change.record)
        named = change.canonical_id
        canonical = Key(change.table, named) if isinstance(named, str) else None
        fetched(self.node, record, canonical, self.now_ms)

    async def _post(self, what: str, body: bytes, kind: type[T], headers: dict[str, Any]) -> T:
        url = f"{self.network.url}/{self.hub}/functions/v1/sync/{what}"
        async with self.network.http.post(url, data=body, headers=headers) as response:
            answer = await response.read()
            response.raise_for_status()
        return msgspec.json.decode(answer, type=kind)
