from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hotspot.clock import Clock
from hotspot.config import Config
from hotspot.events import Bus
from hotspot.importer.importer import Importer
from hotspot.model import instants
from hotspot.store.store import HotspotStore


@dataclass(frozen=True, slots=True)
class Box:
    """A hotspot's importer on its real store."""

    config: Config
    store: HotspotStore
    importer: Importer
    bus: Bus


@asynccontextmanager
async def open_box(data_dir: Path, **settings: Any) -> AsyncIterator[Box]:
    config, bus = Config(data_dir=data_dir, **settings), Bus()
    data_dir.mkdir(exist_ok=True)
    clock = Clock(instants.to_ms("2026-11-22T10:00:00.000Z"))
    async with HotspotStore.open(config.database, clock) as store:
        importer = Importer(config, store, clock, bus)
        await importer.prepare()
        yield Box(config, store, importer, bus)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def box(data_dir: Path) -> AsyncIterator[Box]:
    async with open_box(data_dir) as opened:
        yield opened


@pytest.fixture
def another(data_dir: Path) -> Callable[[], AbstractAsyncContextManager[Box]]:
    """Opens the box again on the same data, as a start after a power cut does."""
    return lambda: open_box(data_dir)
