"""What a hotspot knows of the time outlives the power, and edits get their dates from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from hotspot.clock import BUILD_MS, Clock
from hotspot.model import instants
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Provenance
from hotspot.model.timeline import ROUGH_MS, UNDATED_MS, Dating
from hotspot.store import timekeeping
from hotspot.store.store import HotspotStore
from tests.contract.opened import DEVICE, TEXT, drain, edited, verse, version_row
from tests.store.support import bring, query

HOUR = 3_600_000
TRUE = BUILD_MS + 1_000 * HOUR
"""What time it is when the first boot begins; nobody has told it."""


@dataclass
class Box:
    """A machine that loses its time with its power."""

    path: Path
    uptime: int = 0

    @asynccontextmanager
    async def booted(self, boot_id: str, told: int | None = None) -> AsyncIterator[HotspotStore]:
        """The store in this boot; `told`: the time, where something on the machine knows it."""
        clock = Clock(BUILD_MS, monotonic=lambda: self.uptime, boot_id=boot_id)
        if told is not None:
            clock.learn(instants.from_ms(told))
        async with HotspotStore.open(self.path, clock) as store:
            self.clock = clock
            yield store

    async def told(self, store: HotspotStore, true: int) -> None:
        """The upstream says what time it is."""
        self.clock.learn(instants.from_ms(true))
        await store.keep_time()

    def edit(
        self, row: Record, text: str, age: int | None = 0, stamp: int | None = None
    ) -> Accepted:
        """An edit that a phone sends now; `stamp`: on the phone's clock."""
        dating = Dating(
            boot_id=self.clock.boot_id,
            mono_ms=self.uptime,
            age_ms=age,
            sender_stamp=None if stamp is None else instants.from_ms(stamp),
        )
        known = None if self.clock.trusted else dating
        record = edited(row, text, instants.later(self.clock.now(), -(age or 0)))
        return Accepted(record, row, Provenance(device_id=DEVICE.id, dating=known, note="A note."))


@pytest.fixture
def box(path: Path) -> Box:
    return Box(path)


async def push(store: HotspotStore, edit: Accepted) -> None:
    await store.write(lambda tx: tx.accept([edit]))


async def current(store: HotspotStore, row: Record) -> Record:
    return (await store.write(lambda tx: tx.current([row.key])))[row.key]


async def test_an_edit_of_this_boot_is_dated_exactly_once_the_time_is_known(box: Box) -> None:
    row = verse(1)
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), row)
        box.uptime = HOUR
        await push(store, box.edit(row, "Edited", age=60_000))
        guessed = await current(store, row)
        _, token = await drain(store, TEXT)
        box.uptime = 3 * HOUR
        await box.told(store, TRUE + 3 * HOUR)
        dated = await current(store, row)
        assert dated.updated_at == instants.from_ms(TRUE + HOUR - 60_000)
        assert (dated.hash, dated.former, dated.doubt_ms) == (guessed.hash, guessed.version, 0)
        assert [one.version for one in (await drain(store, TEXT, token))[0]] == [dated.version]
        (pending,) = await store.pending_edits(10)
        assert (pending.record, pending.pending.base_version) == (dated, row.version)


async def test_an_edit_is_dated_once_only(box: Box) -> None:
    row = verse(1)
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), row)
        await push(store, box.edit(row, "Edited"))
        await box.told(store, TRUE)
        dated = await current(store, row)
        await box.told(store, TRUE + 5_000)
        assert await current(store, row) == dated


async def test_many_edits_are_dated(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeping, "GROUP", 2)
    rows = [verse(number) for number in range(1, 6)]
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), *rows)
        for row in rows:
            await push(store, box.edit(row, "Edited"))
        await box.told(store, TRUE)
        assert {(await current(store, row)).updated_at for row in rows} == {instants.from_ms(TRUE)}


async def test_a_process_that_starts_again_goes_on_with_the_guess_of_its_boot(box: Box) -> None:
    async with box.booted("one"):
        box.uptime = HOUR
        before = box.clock.now()
    box.uptime = 2 * HOUR
    async with box.booted("one"):
        assert (box.clock.now(), box.clock.trusted) == (instants.later(before, HOUR), False)


async def test_a_process_that_starts_again_still_knows_the_time(box: Box) -> None:
    async with box.booted("one") as store:
        await box.told(store, TRUE)
    box.uptime = HOUR
    async with box.booted("one"):
        assert (box.clock.now(), box.clock.trusted) == (instants.from_ms(TRUE + HOUR), True)
    async with box.booted("one", told=TRUE - HOUR):
        assert box.clock.now() == instants.from_ms(TRUE + HOUR), "the time never goes back"


async def test_another_boot_begins_after_all_that_is_known_to_be_past(box: Box) -> None:
    async with box.booted("one") as store:
        await box.told(store, TRUE)
    box.uptime = 0
    async with box.booted("two"):
        assert (box.clock.now(), box.clock.trusted) == (instants.from_ms(TRUE), False)


async def test_no_clock_falls_behind_what_was_written(box: Box) -> None:
    async with box.booted("one") as store:
        box.uptime = HOUR
        await bring(store, version_row(TEXT))
        kept = query(box.path, "SELECT value FROM meta WHERE key = 'floor_ms'")
    assert kept == [(BUILD_MS + HOUR,)]


@pytest.mark.parametrize(
    ("stamp", "doubt_ms"),
    [
        (TRUE + 7, ROUGH_MS),
        (BUILD_MS - 1, UNDATED_MS),
        (TRUE + 100 * HOUR + 1, UNDATED_MS),
        (None, UNDATED_MS),
    ],
    ids=["plausible", "before what was known", "after this boot began", "none"],
)
async def test_an_edit_of_a_boot_that_never_knew_has_its_senders_clock_alone(
    box: Box, stamp: int | None, doubt_ms: int
) -> None:
    row = verse(1)
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), row)
        await push(store, box.edit(row, "Edited", stamp=stamp))
        guessed = await current(store, row)
    box.uptime = 0
    async with box.booted("two") as store:
        await box.told(store, TRUE + 100 * HOUR)
        dated = await current(store, row)
        assert dated.doubt_ms == doubt_ms
        plausible = doubt_ms == ROUGH_MS and stamp is not None
        assert dated.updated_at == (
            instants.from_ms(stamp or 0) if plausible else guessed.updated_at
        )
        (pending,) = await store.pending_edits(10)
        assert pending.record == dated


async def test_what_a_boot_learned_too_late_dates_its_edits_in_the_next(box: Box) -> None:
    """The power was cut after the boot had learned the time, and before it had dated anything."""
    row = verse(1)
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), row)
        box.uptime = HOUR
        await push(store, box.edit(row, "Edited"))
        learned = "UPDATE boots SET zero_ms = ?, trusted = 1, known_ms = ?"
        await store._execute(learned, (TRUE, TRUE + 2 * HOUR))
    box.uptime = 0
    async with box.booted("two") as store:
        await box.told(store, TRUE + 100 * HOUR)
        dated = await current(store, row)
        assert (dated.updated_at, dated.doubt_ms) == (instants.from_ms(TRUE + HOUR), 0)


async def test_a_stamp_by_another_guess_is_in_doubt_until_it_is_dated(box: Box) -> None:
    row = verse(1)
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), row)
        await push(store, box.edit(row, "Edited", stamp=TRUE))
        assert (await current(store, row)).doubt_ms == 0
    box.uptime = 0
    async with box.booted("two") as store:
        assert (await current(store, row)).doubt_ms == UNDATED_MS
        (pending,) = await store.pending_edits(10)
        assert pending.record.doubt_ms == UNDATED_MS


async def test_a_doubt_that_came_with_an_edit_stays_when_it_is_dated(box: Box) -> None:
    row = verse(1)
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), row)
        edit = box.edit(row, "Edited")
        await push(store, replace(edit, record=replace(edit.record, doubt_ms=ROUGH_MS)))
        await box.told(store, TRUE)
        assert (await current(store, row)).doubt_ms == ROUGH_MS


async def test_boots_that_date_nothing_are_forgotten(box: Box) -> None:
    row = verse(1)
    async with box.booted("one", told=TRUE) as store:
        await bring(store, version_row(TEXT), row)
    for boot_id in ("two", "three", "four"):
        box.uptime = 0
        async with box.booted(boot_id) as store:
            if boot_id == "three":
                await push(store, box.edit(row, "Edited"))
    boots = query(box.path, "SELECT id, after_ms FROM boots ORDER BY id")
    assert boots == [("four", TRUE), ("three", TRUE)]


async def test_the_note_on_an_edit_is_kept_with_it(box: Box) -> None:
    row = verse(1)
    async with box.booted("one") as store:
        await bring(store, version_row(TEXT), row)
        await push(store, box.edit(row, "Edited"))
    assert query(box.path, "SELECT reason FROM record_sync_status") == [("A note.",)]
