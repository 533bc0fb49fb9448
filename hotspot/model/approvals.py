"""Packages that no trusted key signed: their rows go up once the administrator approves them."""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from hotspot.model.records import Key, Record
from hotspot.model.tables import Scope


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """The approval of one file of a package; another file of the same package needs its own.

    `finished_at`: when all that the upstream lacked had gone up, or was refused. `reason`: why it
    was refused, as one sentence.
    """

    package_id: str
    approved_at: str
    finished_at: str | None = None
    reason: str | None = None


class ApprovalStore(Protocol):
    """What approved packages have to send."""

    async def approved(self) -> Sequence[tuple[str, Sequence[Scope]]]:
        """The approved packages that are not finished, each with the versions that it holds."""

    async def approved_rows(self, package_id: str, scope: Scope) -> Sequence[Key]:
        """The rows that came with a package, and that nobody has edited since.

        The version's own row comes first, whichever package brought it; the others by their ids.
        """

    async def rows(self, keys: Collection[Key]) -> Sequence[Record]:
        """Current rows."""

    async def finish_approval(self, package_id: str, reason: str | None, now: str) -> None:
        """Nothing of the package is left to send."""
