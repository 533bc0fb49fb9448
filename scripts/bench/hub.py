"""A hotspot's half of a sync as a part of the benchmark: packages, store, sessions, bytes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import aiohttp
from common import Server, require_durable_sqlite, sqlite_settings

from hotspot.clock import Clock, wall
from hotspot.config import Config
from hotspot.events import Bus
from hotspot.importer.importer import Importer
from hotspot.model import records
from hotspot.model.stores import Accepted, FeedQuery, Provenance
from hotspot.model.tables import Scope, ScopeKind
from hotspot.package.spec import BibleVersion, Language, Spec, Text
from hotspot.package.writer import build
from hotspot.store.database import open_database
from hotspot.store.store import HotspotStore
from hotspot.syncing.session import SessionReport, run_session
from hotspot.syncing.upstream import Upstream

BATCH = 1_000
TEXT_BYTES = 200


def version_id(number: int) -> str:
    """The text version in the package of this number."""
    return str(uuid5(NAMESPACE_URL, f"bench-{number}"))


SCOPE = Scope(ScopeKind.TEXT, version_id(0))
"""The version in the first package."""


def text(mark: str) -> str:
    """A verse of TEXT_BYTES, told apart by `mark`."""
    return f"{mark} ".ljust(TEXT_BYTES, "x")


def make_packages(folder: Path, verses: Sequence[int]) -> None:
    """A package for each number of verses."""
    folder.mkdir()
    for number, count in enumerate(verses):
        lines = [(f"gen-{1 + n // 900}-{1 + n % 900}", text(f"Verse {n}")) for n in range(count)]
        spec = Spec(
            package_id=f"bench-{number}",
            package_version="1",
            created_at="2026-01-01T00:00:00.000Z",
            language=Language(id=str(uuid5(NAMESPACE_URL, "bench")), name="Bench"),
            bible_version=BibleVersion(id="bench", name="Bench"),
            text=Text(id=version_id(number), name=f"Bench {number}", verses=lines),
        )
        build(spec, folder / f"bench-{number}.bible")


@dataclass(frozen=True, slots=True)
class Hub:
    """A hotspot's store with the packages in it, and its way to the upstream."""

    store: HotspotStore
    upstream: Upstream
    clock: Clock
    meter: "Meter"

    async def session(self) -> tuple[SessionReport, float]:
        """What a session did, and its seconds. Raises what made it end early."""
        began = time.perf_counter()
        report = await run_session(self.store, self.upstream, self.clock)
        took = time.perf_counter() - began
        if report.error is not None:
            raise report.error
        return report, took

    async def edit_all(self, mark: str, most: int) -> None:
        """Edits every verse of the first package, of `most` at most, as phones' uploads do."""
        page = await self.store.read_changes(FeedQuery(scopes=[(SCOPE, None)], limit=most + 1))
        rows = [record for record in page.records if record.table == "verse_texts"]
        now = self.clock.now()
        device = Provenance(device_id=str(uuid5(NAMESPACE_URL, "phone")))
        for start in range(0, len(rows), BATCH):
            edits = [
                Accepted(
                    records.make(row, now, {**row.values, "verse_text": text(f"{mark} {row.id}")}),
                    row,
                    device,
                )
                for row in rows[start : start + BATCH]
            ]
            await self.store.write(lambda tx, edits=edits: tx.accept(edits))

    async def bytes_of_session(self) -> int:
        """The bytes of HTTP, requests and answers, of one session."""
        async with self.meter.counting() as metered:
            report = await run_session(self.store, metered, self.clock)
        if report.error is not None:
            raise report.error
        return self.meter.bytes


class Meter:
    """A relay in front of a server on this machine that counts what passes both ways."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self.bytes = 0
        self._server = server
        self._clock = clock

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[Upstream]:
        """The way to the upstream through the relay, which counts from nought."""
        self.bytes = 0
        relay = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{relay.sockets[0].getsockname()[1]}"
        async with relay, aiohttp.ClientSession() as http:
            yield Upstream(http, url, self._server.token, self._clock)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self._server.url)
        there, back = await asyncio.open_connection(address.hostname, address.port)
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while passed := await source.read(65_536):
                self.bytes += len(passed)
                target.write(passed)
                await target.drain()
        target.close()


@asynccontextmanager
async def opened(folder: Path, packages: Path, server: Server) -> AsyncIterator[Hub]:
    """The hub in `folder`, with all the packages. Ends the program where it is not durable."""
    config, clock = Config(data_dir=folder), wall()
    async with (
        open_database(config.database, clock.now()) as database,
        aiohttp.ClientSession() as http,
    ):
        require_durable_sqlite(await sqlite_settings(database))
        store = HotspotStore(database, clock, lambda: None)
        importer = Importer(config, store, clock, Bus())
        await importer.prepare()
        await importer.import_folder(packages)
        upstream = Upstream(http, server.url, server.token, clock)
        yield Hub(store, upstream, clock, Meter(server, clock))


def expect(held: bool, report: SessionReport) -> None:
    """Ends the program where a session did not do what is being measured."""
    if not held:
        raise SystemExit(f"The session did something else than is measured: {report}.")
