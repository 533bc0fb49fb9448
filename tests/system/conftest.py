"""Real hotspots and servers for a test, and their end with it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.packages import text_package
from tests.support.requirements import needs
from tests.system.nodes import Hotspot, Upstream


@pytest.fixture
def hotspot(tmp_path: Path) -> Iterator[Hotspot]:
    """A hotspot without an upstream, which runs."""
    with ExitStack() as stack:
        node = Hotspot(tmp_path / "hotspot")
        stack.callback(node.end)
        node.start()
        yield node


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can pass through.

    Below pytest's own it cannot for long: every pytest that starts takes that right away.
    """
    folder = Path(tempfile.mkdtemp(prefix="hotspot-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def upstream(public_folder: Path) -> Iterator[Upstream]:
    """A server that runs."""
    needs("postgres")
    with ExitStack() as stack:
        node = Upstream(public_folder / "upstream")
        stack.callback(node.end)
        node.start()
        yield node


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package `text` of many verses."""
    return text_package(tmp_path / "made", verses=6_000)


@pytest.fixture
def village(tmp_path: Path, upstream: Upstream, package: Path) -> Iterator[Hotspot]:
    """A hotspot that has not started yet; the upstream knows it, and both have the package."""
    with ExitStack() as stack:
        upstream.ask("upstream", "import", package)
        token = upstream.ask("upstream", "add-device", "--name", "Village")["token"]
        node = Hotspot(tmp_path / "village", upstream_url=upstream.url, upstream_token=token)
        stack.callback(node.end)
        node.ask("import", package)
        yield node
