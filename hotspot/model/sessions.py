"""Sessions with the upstream as a store keeps them: their log, and what they could not merge."""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from hotspot.model.records import Key
from hotspot.model.tables import Scope


class SessionLog(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one session with the upstream, for `sync_log` and the sync columns.

    `changes`: records sent or received, by scope. `error`: one sentence, None for success.
    """

    started_at: str
    completed_at: str
    changes: dict[Scope, int]
    error: str | None = None


class SessionTransaction(Protocol):
    """What a session does in its transactions beside writing records."""

    async def set_aside(self, key: Key, record: bytes, reason: str, now: str) -> None:
        """Keeps a row of the feed that could not be merged, to be tried again."""

    async def forget_aside(self, keys: Collection[Key]) -> None:
        """These records were merged, or are no more: nothing of them is set aside."""

    async def begin_log(self, scopes: Collection[Scope], now: str) -> None:
        """Says in `sync_log` that a session runs, of the packages that hold these versions."""


class SessionStore(Protocol):
    """What a session asks of the store for itself."""

    async def set_aside_keys(self, limit: int) -> Sequence[Key]:
        """Records of which something is set aside, those that wait longest first."""

    async def edited_records(self, scope: Scope) -> Sequence[Key]:
        """Records of this version that were edited here, and of which no edit waits."""

    async def recover(self) -> None:
        """Closes, as failed, what an earlier session left running in `sync_log`."""

    async def log_session(self, log: SessionLog) -> None:
        """Ends the session in `sync_log`; writes `last_synced_at` and `sync_status`, set-wise."""

    async def keep_time(self) -> None:
        """Keeps the time as the clock knows it now.

        Once that is more than a guess, edits that could not be dated until then are given their
        stamps, or marked as undated.
        """
