"""Who may upload, and how a phone becomes one of them."""

from collections.abc import Collection, Sequence

import aiosqlite
import msgspec

from hotspot.errors import TooMany
from hotspot.model import guessing, instants
from hotspot.model.guessing import Guesses
from hotspot.model.stores import Device
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch

FAILURES = guessing.TRIES
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
            SELECT id, name, role, scopes, last_used_at FROM devices
            WHERE token_hash = ? AND revoked_at IS NULL
            """,
            (token_hash,),
        )
        if not rows:
            return None
        *named, last_used_at = rows[0]
        device = _device(*named)
        now = self._clock.now()
        if last_used_at is None or instants.later(last_used_at, USED_MS) <= now:
            await self._execute(
                "UPDATE devices SET last_used_at = ? WHERE id = ?", (now, device.id)
            )
        return device

    async def claim_pairing(
        self, code_hash: str, device_id: str, name: str, token_hash: str, now: str
    ) -> Device | None:
        async def work(connection: aiosqlite.Connection) -> Device | None:
            await self._check_pause(connection)
            given = await self._use_up(connection, code_hash)
            if given is None:
                return None
            device = _device(device_id, name, *given)
            await _insert(connection, device, token_hash, now)
            return device

        return await self._database.writer.run(work)

    async def create_pairing(
        self,
        code_hash: str,
        valid_ms: int,
        role: str = "editor",
        scopes: Collection[str] | None = None,
    ) -> None:
        """Opens a pairing code for `valid_ms`, or until the machine starts anew.

        It is timed on the monotonic clock, which does not jump when the time becomes known.
        `role`, `scopes`: what the phone that uses it may do. Codes that are over are cleared away.
        """
        boot_id, mono_ms = self._clock.boot_id, self._clock.monotonic()
        opened = (code_hash, role, _scopes_json(scopes), boot_id, mono_ms + valid_ms)

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(
                "DELETE FROM pairing_codes WHERE boot_id <> ? OR expires_mono_ms <= ?",
                (boot_id, mono_ms),
            )
            await connection.execute(
                "INSERT OR REPLACE INTO pairing_codes"
                " (code_hash, role, scopes, boot_id, expires_mono_ms) VALUES (?, ?, ?, ?, ?)",
                opened,
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
            SELECT id, name, role, scopes, created_at, last_used_at, revoked_at FROM devices
            ORDER BY created_at, id
            """
        )
        return [
            DeviceEntry(
                device=_device(*named),
                created_at=created_at,
                last_used_at=last_used_at,
                revoked_at=revoked_at,
            )
            for *named, created_at, last_used_at, revoked_at in rows
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

    async def _use_up(
        self, connection: aiosqlite.Connection, code_hash: str
    ) -> tuple[str, str | None] | None:
        """Takes the code away if it is valid, and returns the role and the scopes that it gives.

        The admin code stays. A wrong one counts against every open code.
        """
        used = await fetch(
            connection,
            "DELETE FROM pairing_codes WHERE code_hash = ? AND boot_id = ? AND expires_mono_ms > ?"
            " RETURNING role, scopes",
            (code_hash, self._clock.boot_id, self._clock.monotonic()),
        )
        for role, scopes in used:
            await connection.execute("DELETE FROM pairing_guesses")
            return role, scopes
        admin = "SELECT 1 FROM admin_code WHERE code_hash = ?"
        if await fetch(connection, admin, (code_hash,)):
            await connection.execute("DELETE FROM pairing_guesses")
            return "admin", None
        await self._note_guess(connection)
        await connection.execute("UPDATE pairing_codes SET failures = failures + 1")
        await connection.execute("DELETE FROM pairing_codes WHERE failures >= ?", (FAILURES,))
        return None

    async def _check_pause(self, connection: aiosqlite.Connection) -> None:
        """Raises TooMany while no code is looked at, whoever sends it."""
        guesses = await _guesses(connection)
        wait_ms = guessing.pause_ms(guesses, self._clock.boot_id, self._clock.monotonic())
        if wait_ms > 0:
            raise TooMany("Too many wrong codes were tried; wait a little.", wait_ms / 1_000)

    async def _note_guess(self, connection: aiosqlite.Connection) -> None:
        made = guessing.one_more(
            await _guesses(connection), self._clock.boot_id, self._clock.monotonic()
        )
        await connection.execute(
            "INSERT OR REPLACE INTO pairing_guesses VALUES (1, ?, ?, ?)",
            (made.wrong, made.boot_id, made.mono_ms),
        )


async def _guesses(connection: aiosqlite.Connection) -> Guesses | None:
    rows = await fetch(connection, "SELECT wrong, boot_id, mono_ms FROM pairing_guesses", ())
    return Guesses(*rows[0]) if rows else None


def _device(id_: str, name: str, role: str, scopes: str | None) -> Device:
    limited = None if scopes is None else frozenset(msgspec.json.decode(scopes, type=list[str]))
    return Device(id=id_, name=name, role=role, scopes=limited)


def _scopes_json(scopes: Collection[str] | None) -> str | None:
    return None if scopes is None else as_json(sorted(scopes))


async def _insert(
    connection: aiosqlite.Connection, device: Device, token_hash: str, now: str
) -> None:
    await connection.execute(
        "INSERT INTO devices (id, name, role, scopes, token_hash, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (device.id, device.name, device.role, _scopes_json(device.scopes), token_hash, now),
    )
