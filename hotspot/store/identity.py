"""Which hotspot this is, and on which machine it became that."""

import aiosqlite
import msgspec

from hotspot.model.identity import Binding, is_spent, rebind
from hotspot.store.part import Part
from hotspot.store.rows import fetch

_KEEP = """
INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
_NEW_EPOCH = "UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = 'epoch'"


COPIED = (
    "This card was in another machine before: this is another hotspot now, and needs a token of "
    "its own to send edits to the server (hotspot upstream add-device). Until then they wait."
)


class Identity(Part):
    """The hotspot's id, which is its epoch, and the machine that it belongs to."""

    copied: str | None = None
    """What a person has to do, in a sentence, where the settings have another hotspot's token."""

    async def bind(self, machine: str | None, token_hash: str | None) -> bool:
        """Takes note of the machine, and of the token in the settings; whether that may be used.

        On another machine than before this is another hotspot, with an epoch of its own; nothing
        may be served before. Raises CannotWrite where something has to be kept and cannot.
        """
        kept = await self.binding()
        found, other = rebind(kept, machine, token_hash)
        if found != kept:
            await self._become(found, anew=other)
        spent = token_hash is not None and is_spent(found, token_hash)
        self.copied = COPIED if spent else None
        return not spent

    async def _become(self, found: Binding, *, anew: bool) -> None:
        async def work(connection: aiosqlite.Connection) -> str:
            for key, value in msgspec.to_builtins(found).items():
                if value is not None:
                    await connection.execute(_KEEP, (key, value))
            if anew:
                await connection.execute(_NEW_EPOCH)
            rows = await fetch(connection, "SELECT value FROM meta WHERE key = 'epoch'")
            return str(rows[0][0])

        self._database.epoch = await self._database.writer.run(work)

    async def binding(self) -> Binding:
        """What is kept of whose this store is."""
        rows = await self._database.read(
            "SELECT key, value FROM meta WHERE key IN ('machine', 'spent_token')"
        )
        return Binding(**dict(rows))
