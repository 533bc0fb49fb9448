"""Phones, two hotspots and a server, and everything that can befall them, as plain methods.

Every edit leaves a text of its own, so that at the end it can be told that none was lost.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from hotspot.errors import NotFound
from hotspot.model.aliases import renamed
from hotspot.model.conflicts import Choice
from hotspot.model.records import Record, make
from hotspot.model.stores import Device
from tests.contract.opened import AUDIO, TEXT, media_file, timing, uuid, verse, version_row
from tests.convergence.hubs import Hub
from tests.convergence.network import Fate, Network, Truth
from tests.convergence.phones import Phone
from tests.convergence.servers import PostgresServer, Server, SqliteServer

T = TypeVar("T")

MEMORY = Path("/dev/shm")
SEEDED = "2029-06-01T00:00:00.000Z"
SEEDS = 3
NEW = 50
"""The first of the verses that phones write anew, under ids from uuid(1_000) on."""


def seeds() -> list[Record]:
    """What the server has from the start; two timings refer to verses that nobody wrote yet."""
    verses = [replace(verse(n, f"start {n}"), updated_at=SEEDED) for n in range(1, SEEDS + 1)]
    spoken = {n: verse(n).id for n in range(1, SEEDS + 1)} | {
        NEW + n: uuid(1_001 + n) for n in range(2)
    }
    timings = [
        make(timing(n, n / 2), SEEDED, {**timing(n, n / 2).values, "verse_text_id": id_})
        for n, id_ in spoken.items()
    ]
    return [version_row(TEXT), version_row(AUDIO), media_file(0), *verses, *timings]


class World:
    """One run. `built_on`: each text, and those that its writer knew of. `excused`: texts that
    somebody destroyed who was free to. `renaming`: whether a stick brought verses under other ids.
    """

    def __init__(self, kind: str, *, chained: bool) -> None:
        base = MEMORY if MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="hotspot-world-", dir=base))
        self.truth = Truth()
        self.network = Network(self.truth)
        self.server: Server = (
            PostgresServer(self.truth)
            if kind == "postgres"
            else SqliteServer(self.folder, self.truth)
        )
        self.hubs = [
            self._hub("hub-1", "server"),
            self._hub("hub-2", "hub-1" if chained else "server"),
        ]
        self.phones: list[Phone] = []
        self.packages = [seeds()]
        self.built_on: dict[object, set[object]] = {}
        self.excused: set[object] = set()
        self._by_server: set[object] = set()
        self.dropped = self.backed_up = self.renaming = False
        self._texts = self._ids = self._published = 0
        self._stack = AsyncExitStack()
        self._runner = asyncio.Runner()

    def _hub(self, name: str, up: str) -> Hub:
        return Hub(name, up, f"{name}'s token", self.folder, self.truth, self.network)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Lets it happen."""
        return self._runner.run(work)

    async def start(self, phones: Sequence[tuple[int, int, bool, bool]]) -> None:
        """Each phone: its hub, how far its clock is off, and Phone's two habits."""
        await self.network.start(self._stack)
        await self.server.start(self._stack, seeds())
        for number, hub in enumerate(self.hubs):
            await hub.start(rebooted=True)
            self._stack.push_async_callback(hub.stop)
            await hub.bring(seeds(), 1)
            up = self.server if hub.up == "server" else self.hubs[0]
            await up.pair(Device(id=uuid(500 + number), name=hub.name, role="hotspot"), hub.token)
        self.network.nodes = {"server": self.server, **{hub.name: hub for hub in self.hubs}}
        for number, (hub_number, *habits) in enumerate(phones):
            hub, name = self.hubs[hub_number], f"phone-{number}"
            device = Device(id=uuid(600 + number), name=name, role="editor")
            await hub.pair(device, f"{name}'s token")
            phone = Phone(name, hub.name, f"{name}'s token", self.truth, self.network, *habits)
            self.phones.append(phone)
            await phone.exchange(1_000)

    def close(self) -> None:
        try:
            self.run(self._stack.aclose())
        finally:
            self._runner.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _text(self, before: Record | None) -> str:
        """A new text, written by somebody who knew what the row `before` says."""
        self._texts += 1
        known = texts(before) & self.built_on.keys() if before is not None else set()
        self.built_on[f"text {self._texts}"] = known.union(*(self.built_on[one] for one in known))
        return f"text {self._texts}"

    def edit(self, phone: Phone, which: int, kind: str) -> None:
        """Somebody edits a verse on a phone. `kind`: 'text', 'status' or 'delete'."""
        rows = phone.verses()
        if not rows:
            return
        row = rows[which % len(rows)]
        new = f"text {self._texts + 1}"
        changes = {
            "text": {"verse_text": new},
            "status": {"publish_status": new},
            "delete": {"verse_text": new, "deleted_at": ""},
        }[kind]
        if phone.edit(row, dict(changes)):
            self._text(row)

    def create(self, phone: Phone, which: int) -> None:
        """Somebody writes one of two verses that were not there at the start."""
        like = verse(NEW + which, f"text {self._texts + 1}")
        if phone.create(like, uuid(1_001 + self._ids)):
            self._ids += 1
            self._text(None)

    async def exchange(self, phone: Phone, page: int, fates: Sequence[Fate]) -> None:
        """A phone meets its hotspot."""
        self.network.fates = list(fates)
        self.network.meanwhile = lambda: self.edit(phone, self._texts, "text")
        await phone.exchange(page)
        self.network.fates = []
        await self.revive()

    async def sync(self, hub: Hub, fates: Sequence[Fate], cut: tuple[int, bool] | None) -> None:
        """A hotspot has a session."""
        self.network.fates, hub.cut = list(fates), cut
        phones = [phone for phone in self.phones if phone.hub == hub.name]
        self.network.meanwhile = lambda: self._edit_any(phones)
        await hub.session()
        self.network.fates = []
        await self.revive()

    def _edit_any(self, phones: Sequence[Phone]) -> None:
        if phones:
            self.edit(phones[self._texts % len(phones)], self._texts, "text")

    async def revive(self) -> None:
        """Where the power went, it comes back."""
        for hub in self.hubs:
            if hub.dead:
                await hub.restart(rebooted=self._texts % 2 == 0)

    async def build_package(self) -> None:
        """The server's records are put on a stick."""
        self.packages.append(list((await self.server.rows()).values()))

    async def bring(self, hub: Hub, which: int, *, foreign: bool) -> None:
        """A stick is brought: old or new, or one on which somebody changed verses.

        Those that were written on phones have other ids there.
        """
        rows = self.packages[which % len(self.packages)]
        if foreign:
            rows = [self._changed(row, which) for row in rows]
        self._published += 1
        await hub.bring(rows, self._published)

    def _changed(self, row: Record, which: int) -> Record:
        if row.table != "verse_texts" or row.deleted:
            return row
        values = {**row.values, "verse_text": f"from a stick {self._published}"}
        changed = make(row, self.truth.now(-60_000), values)
        if str(row.values["verse_id"]) >= f"gen-1-{NEW}":
            self.renaming = True
            return renamed(changed, uuid(3_000 + self._published))
        return changed if row.id == verse(1 + which % SEEDS).id else row

    async def change(self, which: int, *, deleted: bool, stamped: bool) -> None:
        """Somebody at the server changes a verse there."""
        row = await self._verse_at_server(which)
        if row is not None:
            text = f"text {self._texts + 1}"
            if await self.server.change(row, text, deleted=deleted, stamped=stamped):
                self._by_server.add(self._text(row))

    async def drop(self, which: int) -> None:
        """Somebody at the server deletes a row there for good, and all that it was built on."""
        row = await self._verse_at_server(which)
        if row is not None:
            self.dropped = True
            for text in texts(row) & self.built_on.keys():
                self.excused |= {text, *self.built_on[text]}
            await self.server.drop(row.key)

    async def _verse_at_server(self, which: int) -> Record | None:
        aliases = await self.server.aliases()
        rows = [
            row
            for key, row in sorted((await self.server.rows()).items(), key=lambda one: one[0].id)
            if key.table == "verse_texts" and key not in aliases
        ]
        return rows[which % len(rows)] if rows else None

    async def back_up(self) -> None:
        """The server is backed up."""
        await self.server.back_up()
        self.backed_up = True

    async def restore(self) -> None:
        """The server goes back to its backup.

        What its own people wrote since, and what nobody else has, is the backup's business.
        """
        if self.backed_up:
            held = self.known(await self.kept_by_clients())
            self.excused |= self._by_server | (self.built_on.keys() - held)
            await self.server.restore()

    async def choose(self, hub: Hub, which: int, choice: Choice) -> None:
        """A person decides an open conflict."""
        waiting = await hub.kept(waiting=True)
        if waiting:
            await hub.store.keep(waiting[which % len(waiting)].id, choice)

    async def bring_back(self, hub: Hub, which: int) -> None:
        """A person restores a version that lost."""
        kept = await hub.kept(waiting=False)
        if kept:
            try:
                await hub.store.restore(kept[which % len(kept)].id)
            except NotFound:
                return

    async def kept_by_clients(self) -> list[Record]:
        """What hotspots and phones have, and what they keep of what lost."""
        found: list[Record] = []
        for hub in self.hubs:
            found += [*(await hub.rows()).values(), *hub.losers()]
        for phone in self.phones:
            found += [*phone.own_rows().values(), *phone.node.losers]
        return found

    def known(self, rows: Sequence[Record]) -> set[object]:
        """The texts that these rows show, and those that their writers knew of."""
        shown = set().union(*(texts(row) for row in rows)) & self.built_on.keys()
        return shown.union(*(self.built_on[one] for one in shown))


def texts(row: Record) -> set[object]:
    """The texts of edits that a row shows."""
    return {row.values.get("verse_text"), row.values.get("publish_status")}
