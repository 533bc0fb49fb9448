"""A hotspot: its real store in a file, its real client half and server half, and power cuts."""

import shutil
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hotspot.clock import BUILD_MS, Clock
from hotspot.errors import TryLater
from hotspot.http.auth import hash_token
from hotspot.model.conflicts import KeptQuery, KeptVersion
from hotspot.model.records import Key, Record
from hotspot.model.stores import Device, FeedQuery, RecordStore
from hotspot.store.store import HotspotStore
from hotspot.store.writer import Writer
from hotspot.syncing.digests import DigestEndpoint
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.syncing.session import SessionReport, run_session
from hotspot.syncing.upstream import Upstream
from tests.contract.opened import AUDIO, TEXT
from tests.convergence.network import Network, Truth
from tests.store.support import package, query, staging


async def all_rows(store: RecordStore) -> dict[Key, Record]:
    """Every row that a store of a few rows has of the two versions."""
    asked = FeedQuery(scopes=[(TEXT, None), (AUDIO, None)], limit=5_000)
    return {record.key: record for record in (await store.read_changes(asked)).records}


class PowerCut(TryLater):
    """What is left of a process after the power is gone notices nothing but this."""


@dataclass
class Hub:
    """One hotspot; `up`: the name of its upstream.

    `cut`: after how many commits the power goes, and whether the last of them was made.
    """

    name: str
    up: str
    token: str
    folder: Path
    truth: Truth
    network: Network
    cut: tuple[int, bool] | None = None
    life: int = 0
    boot: int = 0
    began_ms: int = 0
    ntp: bool = False
    dead: bool = False
    handlers: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}-{self.life}.db"

    async def start(self, *, rebooted: bool) -> None:
        """The process begins, after a boot or in the same one."""
        if rebooted:
            self.boot += 1
            self.began_ms = self.truth.ms
        began_ms, self.dead, self.cut = self.began_ms, False, None
        self._stack = AsyncExitStack()
        self.clock = Clock(
            BUILD_MS,
            monotonic=lambda: self.truth.ms - began_ms,
            boot_id=f"boot-{self.boot}",
            believed=lambda: self.truth.ms if self.ntp else None,
        )
        await self.clock.ask_machine()
        self.store = await self._stack.enter_async_context(HotspotStore.open(self.path, self.clock))
        self._watch(self.store._database.writer)
        endpoints = SyncEndpoints(self.store, self.store, self.clock)
        digests = DigestEndpoint(self.store, self.clock)
        self.handlers = {
            "changes": endpoints.changes,
            "upload": endpoints.upload,
            "digest": digests.digest,
        }

    def _watch(self, writer: Writer) -> None:
        commit = writer._commit

        async def watched(group: Any) -> Any:
            before, after = self._falls()
            if before:
                self.lose_power()
            if self.dead:
                raise PowerCut("There is no power.")
            outcomes = await commit(group)
            if after:
                self.lose_power()
                raise PowerCut("There is no power.")
            return outcomes

        writer._commit = watched  # type: ignore[method-assign]

    def _falls(self) -> tuple[bool, bool]:
        """Whether the power goes before the commit to come, or right after it."""
        if self.cut is None:
            return False, False
        left, made = self.cut
        self.cut = (left - 1, made) if left > 1 else None
        return left <= 1 and not made, left <= 1 and made

    def lose_power(self) -> None:
        """Whatever this process does from now on, the card stays as it is at this moment."""
        if self.dead:
            return
        source, self.dead, self.cut = self.path, True, None
        self.life += 1
        for end in ("", "-wal"):
            if Path(f"{source}{end}").exists():
                shutil.copyfile(f"{source}{end}", f"{self.path}{end}")

    def recover(self) -> None:
        """It stays dead until `restart`."""

    async def restart(self, *, rebooted: bool) -> None:
        """The power comes back, or the process is killed and begins again."""
        self.lose_power()
        await self.stop()
        await self.start(rebooted=rebooted)

    async def stop(self) -> None:
        await self._stack.aclose()

    async def pair(self, device: Device, token: str) -> None:
        await self.store.add_device(device, hash_token(token))

    async def session(self) -> SessionReport | None:
        """One session with the upstream; None where the power went meanwhile."""
        url = f"{self.network.url}/{self.up}"
        upstream = Upstream(self.network.http, url, self.token, self.clock)
        try:
            report = await run_session(self.store, upstream, self.clock)
        except PowerCut:
            report = None
        self.cut = None
        return None if self.dead else report

    async def bring(self, rows: Sequence[Record], number: int) -> None:
        """Somebody brings a stick with a package of these rows."""
        staged = staging(self.folder / f"{self.name}-staging.db", rows)
        new = package(version=f"{number}.0", audio_version=AUDIO.id, imported_at=self.clock.now())
        await self.store.publish(new, staged, self.clock.now())

    async def hear_time(self) -> None:
        """The machine's time service is reached."""
        self.ntp = True
        await self.clock.ask_machine()
        await self.store.keep_time()

    async def kept(self, *, waiting: bool) -> Sequence[KeptVersion]:
        return await self.store.kept_versions(KeptQuery(waiting=waiting, limit=1_000))

    async def rows(self) -> dict[Key, Record]:
        """Its rows, without deleted ones that only say that their id is another record's."""
        found = await all_rows(self.store)
        return {k: row for k, row in found.items() if not row.deleted or k not in self.aliases()}

    def aliases(self) -> set[Key]:
        found = query(self.path, "SELECT table_name, alias_id FROM record_aliases")
        return {Key(*one) for one in found}

    def losers(self) -> list[Record]:
        return [
            msgspec.json.decode(encoded, type=Record)
            for (encoded,) in query(self.path, "SELECT record_json FROM losing_versions")
        ]
