"""The admin code: made at the first start, and never a default."""

import secrets
from hashlib import sha256

import aiosqlite

from hotspot.store.part import Part
from hotspot.store.rows import fetch

DIGITS = 12
"""More than can be guessed at the pace that wrong codes leave (model/guessing.py)."""


class AdminCode(Part):
    """Keeps the code by which a phone pairs as an admin's, any number of times."""

    async def admin_code(self) -> str:
        """The code, in digits; made where there is none yet."""
        rows = await self._database.read("SELECT code FROM admin_code")
        if rows:
            return str(rows[0][0])

        async def work(connection: aiosqlite.Connection) -> str:
            for (code,) in await fetch(connection, "SELECT code FROM admin_code", ()):
                return str(code)
            return await _make(connection)

        return await self._database.writer.run(work)

    async def reset_admin(self) -> None:
        """Makes another code, and revokes every device that is an admin's."""
        now = self._clock.now()

        async def work(connection: aiosqlite.Connection) -> None:
            await _make(connection)
            await connection.execute(
                "UPDATE devices SET revoked_at = ? WHERE role = 'admin' AND revoked_at IS NULL",
                (now,),
            )

        await self._database.writer.run(work)


async def _make(connection: aiosqlite.Connection) -> str:
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    await connection.execute(
        "INSERT OR REPLACE INTO admin_code VALUES (1, ?, ?)",
        (code, sha256(code.encode()).hexdigest()),
    )
    return code
