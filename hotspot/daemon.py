"""The composition root: opens the parts in order, runs them in one TaskGroup, closes in reverse.

It alone knows them all. The store and the HTTP server are needed by everything; the other parts are
supervised: one that fails says so in `hotspot status` and is tried again.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp import web

from hotspot.box.activity import Board
from hotspot.box.identifying import bound
from hotspot.box.light import Light
from hotspot.box.lock import only_one
from hotspot.box.measuring import Measures
from hotspot.box.monitoring import Monitor
from hotspot.box.reporting import box_report, reports_told
from hotspot.box.resetting import prepare_admin
from hotspot.clock import BUILD_MS, Clock
from hotspot.config import Config
from hotspot.control.channel import serve_control
from hotspot.control.operations import Operations
from hotspot.discovery.services import host_name
from hotspot.drives.drive import DriveSource
from hotspot.drives.folder import FolderDrives
from hotspot.drives.udev import UdevDrives
from hotspot.errors import CannotWrite
from hotspot.events import Bus, LocalEdit
from hotspot.http import openapi, rest
from hotspot.http.counting import DownloadCounter
from hotspot.http.serving import serve
from hotspot.http.traffic import watch
from hotspot.importer.importer import Importer
from hotspot.model.routes import PHONES
from hotspot.model.traffic import Traffic
from hotspot.parts.announcing import announce
from hotspot.parts.neighbours import Neighbours
from hotspot.parts.noticing import Notices
from hotspot.parts.sticks import Sticks
from hotspot.parts.supervision import Supervisor
from hotspot.phones import conflicts, imports
from hotspot.phones import neighbours as nearby
from hotspot.phones.app import build_app
from hotspot.phones.live import Live
from hotspot.store.store import HotspotStore
from hotspot.syncing import version_status
from hotspot.syncing.audio import AudioFetches
from hotspot.syncing.digests import DigestEndpoint
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.syncing.syncer import Syncer
from hotspot.syncing.upstream import Upstream
from hotspot.uplink.reachability import Uplink

log = logging.getLogger(__name__)

IDLE_S = 3.0
"""A connection to the server is not used again after this: its network may be gone meanwhile."""
ASK_MACHINE_EVERY_S = 10.0
CHECK_AFTER_S, CHECK_EVERY_S, CHECK_PAUSE_S = 600.0, 86_400.0, 60.0
"""When all of the database is read: phones that wait for a start come first."""
ASKED_BEFORE_KEPT = 30
"""The time is kept every five minutes, because each write wears the card."""


@dataclass(frozen=True, slots=True)
class Following:
    """The parts that a hotspot with an upstream has."""

    uplink: Uplink
    syncer: Syncer
    audio: AudioFetches


@dataclass(frozen=True, slots=True)
class Core:
    """The parts that the daemon and the command line both need, opened."""

    config: Config
    clock: Clock
    bus: Bus
    store: HotspotStore
    importer: Importer
    supervisor: Supervisor
    following: Following | None
    board: Board
    operations: Operations
    monitor: Monitor
    neighbours: Neighbours
    traffic: Traffic
    downloads: DownloadCounter
    live: Live


@asynccontextmanager
async def open_core(config: Config, clock: Clock | None = None) -> AsyncIterator[Core]:
    """Opens the store and what works on it; one process at a time. `clock`: None for the machine's.

    Raises HotspotError where the data folder cannot be used, or another process has it.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(only_one(config.data_dir))
        bus, supervisor, clock = Bus(), Supervisor(), clock or Clock(BUILD_MS)
        await clock.ask_machine()
        store = await stack.enter_async_context(
            HotspotStore.open(config.database, clock, lambda: bus.publish(LocalEdit()))
        )
        config = await bound(config, store)
        importer = Importer(config, store, clock, bus)
        if store.blocked is None:
            await importer.prepare()
        connector = aiohttp.TCPConnector(keepalive_timeout=IDLE_S)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        following = _following(config, session, store, clock, bus)
        syncer = following.syncer if following is not None else None
        board = Board(bus, lambda: syncer is not None and syncer.busy)
        traffic, downloads = Traffic(), DownloadCounter(store, clock)
        neighbours = Neighbours(config, store, importer, session)
        operations = Operations(
            store, importer, clock, supervisor, board, syncer, downloads, neighbours
        )
        uplink = following.uplink if following is not None else None
        live = Live(Notices(store, importer, board, syncer).looks())
        measures = Measures(config, importer, syncer, downloads, traffic)
        monitor = Monitor(store, importer, clock, uplink, measures.metrics)
        yield Core(
            config,
            clock,
            bus,
            store,
            importer,
            supervisor,
            following,
            board,
            operations,
            monitor,
            neighbours,
            traffic,
            downloads,
            live,
        )
        with suppress(CannotWrite):
            await store.keep_time()


def _following(
    config: Config, session: aiohttp.ClientSession, store: HotspotStore, clock: Clock, bus: Bus
) -> Following | None:
    url = config.upstream_url
    if url is None:
        return None
    uplink = Uplink(url, bus)
    upstream = Upstream(session, url, config.upstream_token, clock)
    report = partial(box_report, store, clock, config.data_dir)
    told = partial(reports_told, store)
    syncer = Syncer(store, upstream, clock, bus, uplink=uplink, report=report, on_told=told)
    return Following(uplink, syncer, AudioFetches(store, session, url, config.packages, clock))


async def run(config: Config, clock: Clock | None = None) -> None:
    """Runs a hotspot until SIGTERM or SIGINT. Raises HotspotError where it cannot begin."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopping.set)
    while await _live(config, clock, stopping):
        log.warning("The hotspot starts again, to mend its database.")


async def _live(config: Config, clock: Clock | None, stopping: asyncio.Event) -> bool:
    """Runs until `stopping`, or until the store has to be mended; returns whether it has."""
    async with open_core(config, clock) as core, AsyncExitStack() as stack:
        await prepare_admin(core.store, config.reset_folder)
        port = await stack.enter_async_context(_serve(core))
        await stack.enter_async_context(_parts(core, port))
        log.info("The hotspot answers on port %d.", port)
        damaged = asyncio.create_task(_until_damaged(core.store))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait((damaged, stopped), return_when=asyncio.FIRST_COMPLETED)
        for task in (damaged, stopped):
            task.cancel()
        log.info("The hotspot stops.")
        return not stopping.is_set()


async def _until_damaged(store: HotspotStore) -> None:
    """Reads the database through a while after the start, then daily, and where it is doubted."""
    after_s = CHECK_AFTER_S
    while not await store.is_damaged(after_s):
        await asyncio.sleep(CHECK_PAUSE_S)
        after_s = CHECK_EVERY_S


@asynccontextmanager
async def _serve(core: Core) -> AsyncIterator[int]:
    """Serves phones and the control socket; yields the phones' port."""
    async with (
        serve_control(
            core.operations, core.clock, core.config, spare=core.store.blocked is not None
        ),
        serve(
            phones_app(core), core.config.http_host, core.config.http_port, clock=core.clock
        ) as port,
    ):
        yield port


def phones_app(core: Core) -> web.Application:
    """All that phones are answered."""
    sync = SyncEndpoints(core.store, core.store, core.clock).routes()
    digests = DigestEndpoint(core.store, core.clock).routes()
    statuses = version_status.routes(core.store)
    deciding = conflicts.routes(core.store, core.store)
    tables = rest.routes(core.store)
    sticks = imports.routes(core.store, core.importer.under_way)
    described = openapi.routes("Hotspot", PHONES)
    app = build_app(
        packages=core.store,
        devices=core.store,
        folder=core.config.packages,
        clock=core.clock,
        name=core.config.name,
        ready=core.store.ping,
        names=_names(core),
        origins=core.config.app_origins,
        routes=[
            *sync,
            *digests,
            *statuses,
            *deciding,
            *tables,
            *sticks,
            *nearby.routes(lambda: core.neighbours.known),
            *described,
            *core.monitor.routes(),
        ],
        on_download=core.downloads.count,
    )
    core.live.mount(app)
    watch(app, core.traffic, log_each=core.config.access_log)
    return app


def _names(core: Core) -> set[str]:
    """The names by which this hotspot is asked, in lower case."""
    machine = socket.gethostname().lower()
    own = {"localhost", machine, f"{machine}.local", host_name(core.store.epoch)}
    return own | {name.lower() for name in core.config.host_names}


@asynccontextmanager
async def _parts(core: Core, port: int) -> AsyncIterator[None]:
    """The supervised parts, running until the block ends."""
    keep, folder = core.supervisor.keep, core.config.drives_folder
    announcing = partial(announce, core.config.name, port, core.store, core.bus)
    source: DriveSource = UdevDrives() if folder is None else FolderDrives(folder)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(keep("drives", Sticks(source, core.importer, core.board).run)),
            group.create_task(keep("discovery", announcing)),
            group.create_task(keep("neighbours", core.neighbours.run)),
            group.create_task(keep("clock", lambda: _keep_time(core))),
            group.create_task(keep("health", core.monitor.watch)),
            group.create_task(keep("downloads", core.downloads.run)),
            group.create_task(keep("events", partial(core.live.run, core.bus))),
        ]
        if core.config.status_led is not None:
            light = Light(core.config.status_led, core.board, core.bus)
            tasks.append(group.create_task(keep("light", light.run)))
        if (following := core.following) is not None:
            audio = partial(following.audio.run, core.bus, following.uplink)
            tasks.append(group.create_task(keep("syncing", following.syncer.run)))
            tasks.append(group.create_task(keep("audio", audio)))
            tasks.append(group.create_task(keep("uplink", following.uplink.run)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _keep_time(core: Core) -> None:
    """Keeps the time, so that no boot begins before it; learns it when the machine does."""
    while True:
        await core.store.keep_time()
        for _ in range(ASKED_BEFORE_KEPT):
            await asyncio.sleep(ASK_MACHINE_EVERY_S)
            if await core.clock.ask_machine():
                break
