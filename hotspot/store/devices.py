"""Who may upload, and how a phone becomes one of them."""

from collections.abc import Sequence

import aiosqlite
import msgspec

from hotspot.model import instants
from hotspot.model.stores import Device
from hotspot.store.part import Part
from hotspot.store.rows import fetch

FAILURES = 5
"""Wrong codes after which every open code is void; a code is too short to be guessed freely."""

USED_MS = 3_600_000
"""`last_used_at` is written no more often than this, because each write wears the card."""


class DeviceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One device as a person lists it."""

    device: Device
    created_at: str
    last_used_at: str | None
    revoked_at: str | None


class Devices(Part):
    """`model.stores.DeviceStore`, and what the administrator does with devices."""

    async def device_by_token(self, token_hash: str) -> Device | None:
        rows = await self._database.read(
            """
            SELECT id, name, role, last_used_at FROM devices
            WHERE token_hash = ? AND revoked_at IS NULL
            """,
            (token_hash,),
        )
        if not rows:
            return None
        id_, name, role, last_used_at = rows[0]
        now = self._clock.now()
        if last_used_at is None or instants.later(last_used_at, USED_MS) <= now:
            await self._execute("UPDATE devices SET last_used_at = ? WHERE id = ?", (now, id_))
        return Device(id=id_, name=name, role=role)

    async def claim_pairing(
        self, code_hash: str, device_id: str, name: str, token_hash: str, now: str
    ) -> Device | None:
        async def work(connection: aiosqlite.Connection) -> Device | None:
            role = await _use_up(connection, code_hash, now)
            if role is None:
                return None
            device = Device(id=device_id, name=name, role=role)
            await _insert(connection, device, token_hash, now)
            return device

        return await self._database.writer.run(work)

    async def create_pairing(self, code_hash: str, expires_at: str, role: str = "editor") -> None:
        """Opens a pairing code until `expires_at`; codes that are over are cleared away.

        `role`: what the phone that uses it may do.
        """
        now = self._clock.now()

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute("DELETE FROM pairing_codes WHERE expires_at <= ?", (now,))
            await connection.execute(
                "INSERT OR REPLACE INTO pairing_codes (code_hash, expires_at, role)"
                " VALUES (?, ?, ?)",
                (code_hash, expires_at, role),
            )

        await self._database.writer.run(work)

    async def add_device(self, device: Device, token_hash: str) -> None:
        """Adds a device without a pairing code."""
        now = self._clock.now()

        async def work(connection: aiosqlite.Connection) -> None:
            await _insert(connection, device, token_hash, now)

        await self._database.writer.run(work)

    async def list_devices(self) -> Sequence[DeviceEntry]:
        """All devices, revoked ones too, oldest first."""
        rows = await self._database.read(
            """
            SELECT id, name, role, created_at, last_used_at, revoked_at FROM devices
            ORDER BY created_at, id
            """
        )
        return [
            DeviceEntry(
                device=Device(id=id_, name=name, role=role),
                created_at=created_at,
                last_used_at=last_used_at,
                revoked_at=revoked_at,
            )
            for id_, name, role, created_at, last_used_at, revoked_at in rows
        ]

    async def revoke(self, device_id: str) -> bool:
        """From now on the device's token is nobody's. False: there is no such device to revoke."""
        now = self._clock.now()

        async def work(connection: aiosqlite.Connection) -> bool:
            cursor = await connection.execute(
                "UPDATE devices SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                (now, device_id),
            )
            return cursor.rowcount > 0

        return await self._database.writer.run(work)


async def _insert(
    connection: aiosqlite.Connection, device: Device, token_hash: str, now: str
) -> None:
    await connection.execute(
        "INSERT INTO devices (id, name, role, token_hash, created_at) VALUES (?, ?, ?, ?, ?)",
        (device.id, device.name, device.role, token_hash, now),
    )


async def _use_up(connection: aiosqlite.Connection, code_hash: str, now: str) -> str | None:
    """Takes the code away if it is valid, and returns the role that it gives.

    A wrong one counts against every open code.
    """
    used = await fetch(
        connection,
        "DELETE FROM pairing_codes WHERE code_hash = ? AND expires_at > ? RETURNING role",
        (code_hash, now),
    )
    if used:
        return str(used[0][0])
    await connection.execute("UPDATE pairing_codes SET failures = failures + 1")
    await connection.execute("DELETE FROM pairing_codes WHERE failures >= ?", (FAILURES,))
    return None
