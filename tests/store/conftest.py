"""A store in a file of its own, on a clock that starts at T2."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotspot.clock import Clock
from hotspot.model import instants
from hotspot.store.store import HotspotStore
from tests.contract.opened import T2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The database file."""
    return tmp_path / "hotspot.db"


@pytest.fixture
async def clock() -> Clock:
    """A clock that nobody has told the time."""
    return await asyncio.to_thread(Clock, instants.to_ms(T2))


@pytest.fixture
def edits() -> list[str]:
    """One entry for each call of `on_edit`."""
    return []


@pytest.fixture
async def store(path: Path, clock: Clock, edits: list[str]) -> AsyncIterator[HotspotStore]:
    """An open, empty store."""
    async with HotspotStore.open(path, clock, lambda: edits.append("edit")) as store:
        yield store
