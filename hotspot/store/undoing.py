"""Taking the edits of a revoked device back."""

from collections.abc import Sequence

import aiosqlite
import msgspec

from hotspot.errors import BadRequest, NotFound
from hotspot.model.aliases import natural_key, renamed
from hotspot.model.conflicts import Restoration
from hotspot.model.records import Key, Record
from hotspot.model.stores import Accepted, Loser, Provenance
from hotspot.model.timeline import Dating
from hotspot.model.undoing import Touched, undone
from hotspot.store.records import Records
from hotspot.store.rows import fetch
from hotspot.store.transaction import Transaction

NOTE = "An edit of a device that was revoked is taken back."


class Undone(msgspec.Struct, frozen=True):
    """What became of a device's edits. `left`: records that others edited since, or that were as
    before already."""

    undone: int
    left: int


class Undoing(Records):
    """Takes edits back, as edits."""

    async def undo_edits(self, device_id: str) -> Undone:
        """Brings back what the records were before a revoked device edited them.

        Each where it still is as the device left it; what the device made is kept as a version that
        lost. Raises NotFound for an unknown device, and BadRequest for one that is not revoked.
        """

        async def run(connection: aiosqlite.Connection) -> tuple[Undone, bool]:
            await _check_revoked(connection, device_id)
            tx = Transaction(connection, self._clock.now(), self._clock.guessing_in)
            touched = await _touched(connection, tx, device_id)
            edits, losers = await self._taken_back(tx, touched)
            if edits:
                await tx.accept(edits)
                await tx.keep_losers(losers)
            await connection.execute("DELETE FROM device_edits WHERE device_id = ?", (device_id,))
            return Undone(len(edits), len(touched) - len(edits)), tx.edited

        result, _ = await self._database.writer.run(run, committed=self._tell)
        return result

    async def _taken_back(
        self, tx: Transaction, touched: Sequence[Touched]
    ) -> tuple[list[Accepted], list[Loser]]:
        now, mono_ms = self._clock.read()
        guessed_in = self._clock.guessing_in
        dating = Dating(boot_id=guessed_in, mono_ms=mono_ms) if guessed_in else None
        provenance = Provenance(device_id=None, dating=dating, note=NOTE)
        standing = await tx.current([Key(one.table, one.id) for one in touched])
        found = [
            undone(one, standing.get(Key(one.table, one.id)), now, provenance) for one in touched
        ]
        kept = [one for one in found if one is not None and not await _place_is_taken(tx, one)]
        return [one.edit for one in kept], [loser for one in kept for loser in one.overruled]


async def _place_is_taken(tx: Transaction, found: Restoration) -> bool:
    """Whether another record has the natural key that this one had."""
    record = found.edit.record
    about = natural_key(record)
    if about is None or record.deleted:
        return False
    holder = (await tx.holders([about])).get(about)
    return holder is not None and holder.id != record.id


async def _check_revoked(connection: aiosqlite.Connection, device_id: str) -> None:
    rows = await fetch(connection, "SELECT revoked_at FROM devices WHERE id = ?", (device_id,))
    if not rows:
        raise NotFound(f"There is no device {device_id!r} here.")
    if rows[0][0] is None:
        raise BadRequest("This device may still edit: revoke it first.")


async def _touched(
    connection: aiosqlite.Connection, tx: Transaction, device_id: str
) -> list[Touched]:
    """Each record that the device edited, under the id that it has now."""
    rows = await fetch(
        connection,
        "SELECT table_name, record_id, hash, former_json FROM device_edits WHERE device_id = ?",
        (device_id,),
    )
    names = await tx.canonical([Key(table, record_id) for table, record_id, _, _ in rows])
    found = {}
    for table, record_id, content, former in rows:
        key = names.get(Key(table, record_id), Key(table, record_id))
        found[key] = Touched(key.table, key.id, content, _former(former, key.id))
    return list(found.values())


def _former(encoded: str | None, record_id: str) -> Record | None:
    if encoded is None:
        return None
    return renamed(msgspec.json.decode(encoded, type=Record), record_id)
