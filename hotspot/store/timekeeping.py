"""What is known of the time, kept over power cuts; and edits dated once it is known."""

import aiosqlite

from hotspot.clock import BUILD_MS
from hotspot.model.records import Key
from hotspot.model.timeline import Boot, Dated, Dating, Timeline, date
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch, read_rows, write_rows
from hotspot.store.transaction import Transaction

GROUP = 1_000
"""Edits dated in one transaction; phones' uploads are served between two."""

_BEGIN = """
INSERT INTO boots (id, after_ms, zero_ms, trusted, known_ms)
SELECT :id, after_ms, :zero_ms, :trusted, after_ms
FROM (SELECT coalesce(max(known_ms), :build_ms) AS after_ms FROM boots) WHERE true
ON CONFLICT (id) DO NOTHING
"""

_FORGET = """
DELETE FROM boots WHERE id <> ?
  AND NOT EXISTS (SELECT 1 FROM record_sync_status s WHERE s.boot_id = boots.id)
"""

_LEARNED = """
UPDATE boots SET zero_ms = :zero_ms, trusted = 1, known_ms = max(known_ms, :now_ms) WHERE id = :id
"""

_TO_BE_DATED = """
SELECT s.table_name, s.record_id, s.boot_id, s.received_mono_ms, s.age_ms, s.sender_stamp,
  b.after_ms, iif(b.trusted, b.zero_ms, NULL)
FROM record_sync_status s LEFT JOIN boots b ON b.id = s.boot_id
WHERE s.boot_id IS NOT NULL ORDER BY s.id LIMIT ?
"""

_DATED = """
UPDATE record_sync_status SET
  local_updated_at = coalesce(value ->> 2, local_updated_at),
  former_version = coalesce(value ->> 3, former_version),
  doubt_ms = max(doubt_ms, value ->> 4),
  boot_id = NULL, received_mono_ms = NULL, age_ms = NULL, sender_stamp = NULL
FROM json_each(?) WHERE table_name = value ->> 0 AND record_id = value ->> 1
"""


class Timekeeping(Part):
    """The boots, the floor under all clocks, and the dates of edits."""

    async def begin(self) -> None:
        """Registers this boot, and sets the clock by what is kept of it and of earlier ones."""
        floor = await self._database.read("SELECT value FROM meta WHERE key = 'floor_ms'")
        kept = await self._database.read(
            "SELECT zero_ms, trusted FROM boots WHERE id = ?", (self._clock.boot_id,)
        )
        for zero_ms, trusted in kept:
            self._clock.resume(Timeline(zero_ms, 0, trusted=bool(trusted)))
        self._clock.begin_after(floor[0][0])
        if not kept:
            await self._register()
        await self.keep_time()

    async def _register(self) -> None:
        line = self._clock.timeline
        boot = {"id": self._clock.boot_id, "zero_ms": line.at(0), "trusted": line.trusted}

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(_BEGIN, {**boot, "build_ms": BUILD_MS})
            await connection.execute(_FORGET, (self._clock.boot_id,))

        await self._database.writer.run(work)

    async def keep_time(self) -> None:
        """Keeps the time as it is known now; dates edits that could not be dated until now."""
        line = self._clock.timeline
        now_ms = line.at(self._clock.monotonic())
        boot = {"id": self._clock.boot_id, "zero_ms": line.at(0), "now_ms": now_ms}

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute(
                "UPDATE meta SET value = max(value, ?) WHERE key = 'floor_ms'", (now_ms,)
            )
            if line.trusted:
                await connection.execute(_LEARNED, boot)

        await self._database.writer.run(work)
        if line.trusted:
            while await self._database.writer.run(self._date_some):
                continue

    async def _date_some(self, connection: aiosqlite.Connection) -> int:
        """Dates some edits of boots that did not know the time; returns how many."""
        began_ms = self._clock.timeline.at(0)
        dated: dict[Key, Dated] = {}
        for table, id_, *known in await fetch(connection, _TO_BE_DATED, (GROUP,)):
            boot_id, mono_ms, age_ms, sender_stamp, after_ms, zero_ms = known
            dating = Dating(
                boot_id=boot_id, mono_ms=mono_ms, age_ms=age_ms, sender_stamp=sender_stamp
            )
            boot = None if after_ms is None else Boot(after_ms, zero_ms)
            dated[Key(table, id_)] = date(dating, boot, began_ms)
        if dated:
            await self._stamp(connection, dated)
        return len(dated)

    async def _stamp(self, connection: aiosqlite.Connection, dated: dict[Key, Dated]) -> None:
        """Gives edits their dates; what was made on the row as it was stays made on it."""
        held = await read_rows(connection, dated)
        moved = [
            row.stamped(stamp)
            for key, row in held.items()
            if (stamp := dated[key].stamp) not in (None, row.updated_at)
        ]
        if moved:
            seq = await Transaction(connection, self._clock.now()).seq()
            await write_rows(connection, moved, seq=seq, status="pending")
        former = {row.key: held[row.key].version for row in moved}
        told = [[k.table, k.id, d.stamp, former.get(k), d.doubt_ms] for k, d in dated.items()]
        await connection.execute(_DATED, (as_json(told),))
