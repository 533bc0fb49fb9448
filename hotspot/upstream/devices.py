"""Who may upload."""

import msgspec
from asyncpg import Connection
from asyncpg import Record as Row

from hotspot.model.stores import Device

_BY_TOKEN = """
SELECT id::text, name, role, scopes::text[] FROM devices
WHERE token_hash = $1 AND revoked_at IS NULL
"""
_ADD = """
WITH new_user AS (
  INSERT INTO users (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
)
INSERT INTO devices (id, user_id, name, role, token_hash, scopes)
VALUES ($1, $1, $2, $3, $4, $5::text[]::uuid[])
"""
_LIST = """
SELECT d.id::text AS device_id, d.name, d.role, d.scopes::text[] AS scopes,
  canonical(d.created_at) AS created_at, canonical(f.seen_at) AS last_seen_at,
  canonical(d.revoked_at) AS revoked_at
FROM devices d LEFT JOIN fleet f ON f.device_id = d.id
ORDER BY d.name, d.created_at, d.id
"""


async def device_by_token(connection: Connection, token_hash: str) -> Device | None:
    """The device that this token belongs to, unless it was revoked."""
    row = await connection.fetchrow(_BY_TOKEN, token_hash)
    return None if row is None else _device(row)


async def claim_pairing(
    connection: Connection, code_hash: str, device: Device, token_hash: str, now: str
) -> Device | None:
    """Uses up an unexpired code for `device`; None if the code is not valid."""
    async with connection.transaction():
        claimed = await connection.fetchval(
            "DELETE FROM pairing_codes"
            " WHERE code_hash = $1 AND expires_at > $2::text::timestamptz RETURNING true",
            code_hash,
            now,
        )
        if claimed is None:
            return None
        await add_device(connection, device, token_hash)
    return device


async def add_device(connection: Connection, device: Device, token_hash: str) -> None:
    """A device, and the user of the same id that it stands for where it names no author."""
    scopes = None if device.scopes is None else sorted(device.scopes)
    await connection.execute(_ADD, device.id, device.name, device.role, token_hash, scopes)


async def add_user(connection: Connection, name: str) -> str:
    """A user; the new id."""
    user_id = await connection.fetchval(
        "INSERT INTO users (name) VALUES ($1) RETURNING id::text", name
    )
    return str(user_id)


class Registered(msgspec.Struct, frozen=True, rename="camel"):
    """A device as it is listed. `scopes`: the versions that it may change; None: all."""

    device_id: str
    name: str
    role: str
    scopes: list[str] | None
    created_at: str
    last_seen_at: str | None
    revoked_at: str | None


async def list_devices(connection: Connection) -> list[Registered]:
    """Every device, revoked ones too."""
    return [Registered(**dict(row.items())) for row in await connection.fetch(_LIST)]


async def revoke(connection: Connection, device_id: str) -> bool:
    """Takes a device's rights away, now and for good; False: there is no such device."""
    status = await connection.execute(
        "UPDATE devices SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1", device_id
    )
    return bool(status != "UPDATE 0")


def _device(row: Row) -> Device:
    scopes = None if row["scopes"] is None else frozenset(row["scopes"])
    return Device(id=row["id"], name=row["name"], role=row["role"], scopes=scopes)
