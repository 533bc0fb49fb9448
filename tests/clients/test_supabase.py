"""An app built on supabase-js works with a hotspot once its URL is changed."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.packages import text_package, version_id
from tests.support.requirements import lacking, needs
from tests.system.nodes import Hotspot
from tests.system.phones import Phone

HERE = Path(__file__).parent
LISTS = ("package.json", "package-lock.json")
VERSES = 2_345
INSTALLS_WITHIN_S = 100.0
ENDS_WITHIN_S = 60.0


@pytest.fixture
def modules() -> Path:
    """A folder with the npm packages that the lock file names; kept from one run to the next."""
    needs("node")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotspot-tests"
    folder = cache / sha256((HERE / LISTS[1]).read_bytes()).hexdigest()[:16]
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _install(Path(tempfile.mkdtemp(dir=cache)), folder)
    return folder


def _install(making: Path, folder: Path) -> None:
    """Installs into `making`, which then becomes `folder`, unless another run was first."""
    try:
        for name in LISTS:
            shutil.copy(HERE / name, making)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
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
def hotspot(tmp_path: Path) -> Iterator[Hotspot]:
    """A hotspot that has a text of VERSES verses, and runs."""
    node = Hotspot(tmp_path / "hotspot")
    try:
        node.ask("import", text_package(tmp_path / "made", verses=VERSES))
        node.start()
        yield node
    finally:
        node.end()


@pytest.fixture
def told(modules: Path, hotspot: Hotspot) -> Any:
    """What the client printed."""
    phone = Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])
    done = subprocess.run(
        ["node", "--input-type=module", "-", hotspot.url, phone.token, version_id("text-text")],
        input=(HERE / "supabase.js").read_text(),
        cwd=modules,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_supabase_js_reads_and_uploads(told: Any) -> None:
    assert len(told["byRange"]) == len(told["byLastId"]) == VERSES
    assert set(told["byRange"]) == set(told["byLastId"]) and len(set(told["byRange"])) == VERSES
    assert told["head"] == VERSES
    assert told["changes"] > 0
    assert [row["verse_id"] for row in told["some"]] == ["gen-1-4", "gen-1-3", "gen-1-2"]
    assert set(told["some"][0]) == {"verse_id", "verse_text"}
    assert (told["wrong"]["code"], told["none"]["code"]) == ("42703", "PGRST116")
    assert (told["uploaded"]["success"], told["after"]) == (True, "Hapo mwanzo")
    assert told["written"] == 405
