"""Client libraries from npm, the page's programs beside them, and servers to talk to."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.clients.page import modules
from tests.clients.servers import Server, running
from tests.conftest import remove_settings
from tests.support.requirements import lacking, needs

HERE = Path(__file__).parent
LISTS = ("package.json", "package-lock.json")
INSTALLS_WITHIN_S = 100.0
ENDS_WITHIN_S = 60.0

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def libraries() -> Path:
    """A folder with the npm packages that the lock file names; kept from one run to the next."""
    needs("node")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotspot-tests"
    folder = cache / sha256((HERE / LISTS[1]).read_bytes()).hexdigest()[:16]
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _install(Path(tempfile.mkdtemp(dir=cache)), folder)
    return folder


def _install(making: Path, folder: Path) -> None:
    """Installs into `making`, which then becomes `folder`, unless another run was first.

    What a library only needs together with other parts is not installed: it would be 50 MB.
    """
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"]
    try:
        for name in LISTS:
            shutil.copy(HERE / name, making)
        subprocess.run(
            command,
            cwd=making,
            capture_output=True,
            text=True,
            timeout=INSTALLS_WITHIN_S,
            check=True,
        )
        if not folder.exists():
            making.rename(folder)
    except subprocess.TimeoutExpired:
        lacking("node", f"`npm ci` took more than {INSTALLS_WITHIN_S:.0f} s")
    except subprocess.CalledProcessError as error:
        lacking("node", f"`npm ci` says {error.stderr.strip()[-500:]!r}")
    finally:
        shutil.rmtree(making, ignore_errors=True)


@pytest.fixture
def run(libraries: Path, tmp_path: Path) -> Run:
    """Runs a program of this folder beside the page's modules; what it prints, as JSON."""
    for name, source in modules().items():
        (tmp_path / "page").mkdir(exist_ok=True)
        (tmp_path / "page" / name).write_text(source, encoding="utf-8")
    shutil.copy(HERE / LISTS[0], tmp_path)
    (tmp_path / "node_modules").symlink_to(libraries / "node_modules")

    def run(program: str, *arguments: str) -> Any:
        shutil.copy(HERE / program, tmp_path)
        done = subprocess.run(
            ["node", program, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def hotspot() -> Iterator[Server]:
    """A hotspot that runs."""
    with pytest.MonkeyPatch.context() as environment:
        remove_settings(environment)
        with running("hotspot") as server:
            yield server


@pytest.fixture(scope="session")
def upstream() -> Iterator[Server]:
    """A server on PostgreSQL that runs."""
    needs("postgres")
    with pytest.MonkeyPatch.context() as environment:
        remove_settings(environment)
        with running("upstream") as server:
            yield server


@pytest.fixture(params=["hotspot", "upstream"])
def server(request: pytest.FixtureRequest) -> Server:
    """A server of either kind."""
    found: Server = request.getfixturevalue(request.param)
    return found
