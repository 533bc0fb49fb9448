"""A hotspot on SQLite that syncs over real HTTP with a server of each kind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from shutil import copyfile

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from hotspot.clock import Clock
from hotspot.http.auth import hash_token
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY
from hotspot.http.serving import serve
from hotspot.model import instants
from hotspot.model.batches import PendingEdit
from hotspot.model.records import Key, Record
from hotspot.model.stores import Accepted, Device, Provenance, RecordTransaction
from hotspot.store.store import HotspotStore
from hotspot.syncing.digests import DigestEndpoint
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.syncing.session import SessionReport, run_session
from hotspot.syncing.upstream import Upstream
from tests.contract.opened import AUTHOR, T0, T2, TEXT, Opened, verse, version_row
from tests.store.support import package, staging
from tests.support.requirements import needs

TOKEN = "the hotspot's token"
BOX = Device(id="d0000000-0000-4000-8000-0000000000b0", name="Village box", role="hotspot")
PHONE = "d0000000-0000-4000-8000-0000000000f0"
HOUR = 3_600_000


@dataclass
class Trouble:
    """What happens to answers on their way: each entry takes one request.

    'lost': the request arrives and is answered, the answer does not arrive. 'refused': the
    connection is closed before the request is looked at. An int: that status. A function: is
    called before the request is looked at. `traffic`: bytes of bodies, as they were sent.
    `missing`: endpoints that this server does not have.
    """

    ahead: list[str | int | Callable[[], Awaitable[None]] | None] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    traffic: int = 0
    missing: set[str] = field(default_factory=set)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(request.path.rpartition("/")[2])
        if self.requests[-1] in self.missing:
            raise web.HTTPNotFound
        trouble = self.ahead.pop(0) if self.ahead else None
        if isinstance(trouble, int):
            raise _status(trouble)
        if trouble == "refused":
            return _cut(request)
        if callable(trouble):
            await trouble()
        response = await handler(request)
        assert isinstance(response, web.Response)
        self.traffic += (request.content_length or 0) + len(response.body or b"")
        return _cut(request) if trouble == "lost" else response


def _status(status: int) -> web.HTTPException:
    return {404: web.HTTPNotFound, 429: web.HTTPTooManyRequests, 503: web.HTTPServiceUnavailable}[
        status
    ]()


def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass
class Pair:
    """A server with its store, and a hotspot that syncs with it."""

    server: Opened
    hub: HotspotStore
    upstream: Upstream
    clock: Clock
    trouble: Trouble

    async def sync(self) -> SessionReport:
        """One session, whatever becomes of it."""
        return await run_session(self.hub, self.upstream, self.clock)

    async def synced(self) -> SessionReport:
        """One session that ends well."""
        report = await self.sync()
        assert report.error is None, report.error
        return report

    async def edit(self, *edits: Record) -> None:
        """What phones pushed to the hotspot."""
        await accept(self.hub, edits, PHONE)

    async def edit_server(self, *edits: Record) -> None:
        """What others pushed to the server."""
        await accept(self.server.store, edits, BOX.id)

    async def at_hub(self, key: Key) -> Record:
        return (await current(self.hub, key))[key]

    async def at_server(self, key: Key) -> Record:
        return (await current(self.server.store, key))[key]

    async def pending(self) -> Sequence[PendingEdit]:
        return await self.hub.pending_edits(1_000)


async def accept(store: HotspotStore | object, edits: Sequence[Record], device: str) -> None:
    async def work(tx: RecordTransaction) -> None:
        held = await tx.current([edit.key for edit in edits])
        provenance = Provenance(device_id=device, changed_by=AUTHOR)
        await tx.accept([Accepted(edit, held.get(edit.key), provenance) for edit in edits])

    await store.write(work)  # type: ignore[attr-defined]


async def current(store: HotspotStore | object, *keys: Key) -> dict[Key, Record]:
    return await store.write(lambda tx: tx.current(keys))  # type: ignore[attr-defined,no-any-return]


@asynccontextmanager
async def serving(opened: Opened, trouble: Trouble, clock: Clock) -> AsyncIterator[str]:
    """The URL of a server over the store."""
    app = web.Application(
        middlewares=[error_middleware(clock), trouble.middleware], client_max_size=MAX_BODY
    )
    app.add_routes(SyncEndpoints(opened.store, opened.store, clock).routes())
    app.add_routes(DigestEndpoint(opened.store, clock).routes())
    async with serve(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def after_power_cut(pair: Pair, tmp_path: Path) -> AsyncIterator[None]:
    """The hotspot begins again from what is on its card at this moment."""
    before = pair.hub
    for end in ("", "-wal"):
        await asyncio.to_thread(copyfile, tmp_path / f"hub.db{end}", tmp_path / f"cut.db{end}")
    async with HotspotStore.open(tmp_path / "cut.db", pair.clock) as pair.hub:
        yield
    pair.hub = before


ROWS = [version_row(TEXT), *(verse(number) for number in range(1, 6))]
"""What both sides have from the start: a text version of five verses."""


@asynccontextmanager
async def paired(
    kind: str,
    folder: Path,
    ours: Sequence[Record],
    theirs: Sequence[Record],
    *,
    behind_ms: int = 100,
    server_knows: bool = True,
) -> AsyncIterator[Pair]:
    """A hotspot with a package of `ours`, and a server of this kind that was loaded with `theirs`.

    The hotspot does not know the time yet, and guesses one that is `behind_ms` behind the server's.
    """
    opening = import_module(f"tests.contract.{kind}").open_store
    (folder / "server").mkdir()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(opening(folder / "server"))
        await server.seed(theirs)
        await server.add_device(BOX, hash_token(TOKEN))
        trouble = Trouble()
        now = instants.to_ms(T2) + HOUR
        url = await stack.enter_async_context(
            serving(server, trouble, Clock(now, now if server_knows else None))
        )
        clock = Clock(now - behind_ms)
        hub = await stack.enter_async_context(HotspotStore.open(folder / "hub.db", clock))
        staged = staging(folder / "staging.db", ours)
        await hub.publish(package(), staged, T0)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Pair(server, hub, Upstream(http, url, TOKEN, clock), clock, trouble)


@pytest.fixture(params=["sqlite", "postgres"])
def server_kind(request: pytest.FixtureRequest) -> str:
    """Each kind of server."""
    if request.param == "postgres":
        needs("postgres")
    return str(request.param)


@pytest.fixture
async def pair(server_kind: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """Server and hotspot with the same package."""
    async with paired(server_kind, tmp_path, ROWS, ROWS) as pair:
        yield pair
