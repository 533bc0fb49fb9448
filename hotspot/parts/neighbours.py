"""Taking packages over from hotspots near this one, as from a stick."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from hotspot.config import Config
from hotspot.discovery.neighbours import Neighbourhood
from hotspot.errors import HotspotError, NoSpace, NotFound, TryLater, UpstreamUnreachable
from hotspot.http import download
from hotspot.http.signatures import fetch_beside
from hotspot.importer.importer import Importer
from hotspot.importer.operations import import_json
from hotspot.importer.shelf import Shelf
from hotspot.model.imports import ImportRecord
from hotspot.model.neighbours import Neighbour, Wanted, named, worth_fetching
from hotspot.model.plan import ImportAction
from hotspot.store.store import HotspotStore

log = logging.getLogger(__name__)

FIRST_LOOK_S = 10.0
LOOK_EVERY_S = 60.0
MOST_TRIED = 1_000
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_GO_ON_LATER = frozenset({ImportAction.INTERRUPTED, ImportAction.CANCELLED})


class Neighbours:
    """The hotspots near this one, and what is fetched of them, one package at a time."""

    def __init__(
        self,
        config: Config,
        store: HotspotStore,
        importer: Importer,
        session: aiohttp.ClientSession,
    ) -> None:
        self._config = config
        self._store = store
        self._importer = importer
        self._session = session
        self._neighbourhood = Neighbourhood(session, store.epoch)
        self._folder = config.data_dir / "fetched"
        self._shelf = Shelf(config)
        self._turn = asyncio.Lock()
        self._tried: set[str] = set()

    @property
    def known(self) -> tuple[Neighbour, ...]:
        """Those that answered when they were last asked."""
        return self._neighbourhood.known

    def table(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """What a person can ask, by name, over JSON values."""
        return {"neighbours": self.listed, "fetch": self.fetch_named}

    async def listed(self) -> list[Any]:
        """The hotspots near this one, each with its packages."""
        return [msgspec.to_builtins(one) for one in await self._neighbourhood.look()]

    async def fetch_named(self, neighbour: str, package_id: str) -> dict[str, Any]:
        """Fetches a package and imports it. `neighbour`: its name, id or address."""
        found = named(self.known, neighbour) or named(await self._neighbourhood.look(), neighbour)
        if found is None:
            raise NotFound(f"There is no hotspot {neighbour!r} near here.")
        return await self.fetch_from(found, package_id)

    async def fetch_from(self, neighbour: Neighbour, package_id: str) -> dict[str, Any]:
        """Fetches a package of a neighbour and imports it."""
        offers = [one for one in neighbour.packages if one.package_id == package_id]
        if not offers:
            raise NotFound(f"{neighbour.name} has no package {package_id!r}.")
        return import_json(await self._fetch(Wanted(neighbour, offers[0])))

    async def run(self) -> None:
        """Looks now and then for ever; fetches what is worth it, if the settings say so."""
        await asyncio.sleep(FIRST_LOOK_S)
        while True:
            await self._neighbourhood.look()
            if self._config.fetch_from_neighbours:
                await self._fetch_some()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _fetch_some(self) -> None:
        """Fetches what is worth it, each file once: what was refused would be refused again."""
        here = {one.package_id: one.version for one in await self._store.held_packages()}
        for wanted in worth_fetching(self.known, here):
            if wanted.offer.sha256 in self._tried:
                continue
            try:
                await self._fetch(wanted)
            except (UpstreamUnreachable, TryLater, NoSpace) as error:
                log.info("%s: %s", wanted.neighbour.name, error)
                continue
            except HotspotError as error:
                log.warning("%s: %s", wanted.neighbour.name, error)
            if len(self._tried) == MOST_TRIED:
                self._tried.clear()
            self._tried.add(wanted.offer.sha256)

    async def _fetch(self, wanted: Wanted) -> ImportRecord:
        """Downloads a package, going on where it was cut off, and imports it."""
        async with self._turn:
            url = _package_url(wanted)
            sha256, size = await download.describe(self._session, f"{url}/download")
            file = self._folder / f"{_plain(wanted.offer.package_id)}-{sha256[:12]}.bible"
            if not await asyncio.to_thread(self._prepare, file, size):
                await download.fetch(self._session, f"{url}/download", file, sha256, size)
            with suppress(aiohttp.ClientError, TimeoutError):
                await fetch_beside(self._session, url, file)
            result = await self._importer.import_file(file)
            if result.action not in _GO_ON_LATER:
                await asyncio.to_thread(self._clear, "")
            return result

    def _prepare(self, file: Path, size: int) -> bool:
        """Makes room for a download; whether the file is there already. Blocking."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clear(file.name)
        if file.exists():
            return True
        part = file.with_name(file.name + ".part")
        there = part.stat().st_size if part.exists() else 0
        needed = 2 * size - there + self._config.reserve_mb * 1_000_000
        if self._shelf.free() < needed:
            raise NoSpace(f"There is no room: fetching the package takes {2 * size:,} bytes.")
        return False

    def _clear(self, but: str) -> None:
        """Deletes what earlier fetches left, but what begins so. Blocking."""
        for path in self._folder.iterdir():
            if not but or not path.name.startswith(but):
                path.unlink()


def _package_url(wanted: Wanted) -> str:
    return f"{wanted.neighbour.url}/functions/v1/packages/{quote(wanted.offer.package_id, safe='')}"


def _plain(package_id: str) -> str:
    return _NOT_IN_NAMES.sub("_", package_id)[:60]
