"""The contract suite runs against every kind of store."""

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.contract.opened import Opened, Store
from tests.support.requirements import needs


@pytest.fixture(params=["sqlite", "postgres", pytest.param("pooled", marks=pytest.mark.slow)])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """An empty store of each kind, from tests/contract/<kind>.py."""
    if request.param != "sqlite":
        needs("postgres")
    if request.param == "pooled":
        needs("pgbouncer")
    kind = import_module(f"tests.contract.{request.param}")
    async with kind.open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def store(opened: Opened) -> Store:
    """The store itself."""
    return opened.store
