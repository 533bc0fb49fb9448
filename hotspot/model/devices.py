"""Devices that may upload, and what the protocol needs of where they are kept."""

from typing import Protocol

import msgspec

from hotspot.model.tables import Scope


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may upload. `role`: 'reader', 'editor', 'admin' or 'hotspot'.

    `scopes`: the ids of the versions whose records it may change (None: all).
    """

    id: str
    name: str
    role: str
    scopes: frozenset[str] | None = None

    @property
    def may_write(self) -> bool:
        return self.role in ("editor", "admin", "hotspot")

    @property
    def may_add(self) -> bool:
        """Whether it may add rows to tables that are the server's own: those of packages that
        somebody approved there."""
        return self.role == "hotspot"

    def may_change(self, scope: Scope | None) -> bool:
        """Whether the records of this version are among those that it is limited to."""
        return self.scopes is None or (scope is not None and scope.id in self.scopes)


class DeviceStore(Protocol):
    """Who may upload. Tokens and codes are known here by their SHA-256 only."""

    async def device_by_token(self, token_hash: str) -> Device | None:
        """The device that this token belongs to, unless it was revoked."""

    async def claim_pairing(
        self, code_hash: str, device_id: str, name: str, token_hash: str, now: str
    ) -> Device | None:
        """Uses up an unexpired pairing code for a new device; None if the code is not valid.

        May raise TooMany, where many were not.
        """
