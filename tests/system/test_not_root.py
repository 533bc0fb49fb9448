"""A hotspot that is not root, as the service is; a stand-in for systemd mounts its sticks."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotspot.drives.mounting import ROOT
from tests.support import sticks, units
from tests.support.packages import combined_package
from tests.support.requirements import needs
from tests.system.nodes import Hotspot, until

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
AS_NOBODY += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
HOME = (
    'mount --bind "$1" /mnt && mount -t tmpfs -o mode=755 none /root && mkdir -p "$1" && '
    'mount --move /mnt "$1" && shift && exec "$@"'
)
"""Lets anybody reach a Python that lies in root's own folder; runs what follows it."""


def as_nobody() -> list[str]:
    """A command that runs another as nobody, in a world of mounts as systemd makes for services:
    what is mounted outside later appears inside."""
    world = ["unshare", "--mount", "--propagation=slave"]
    if not sys.base_prefix.startswith("/root/"):
        return [*world, *AS_NOBODY]
    return [*world, "sh", "-c", HOME, "sh", sys.base_prefix, *AS_NOBODY]


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """What is mounted below `folder` appears in other worlds of mounts too, as it does everywhere
    where systemd runs."""
    folder.mkdir(parents=True, exist_ok=True)
    sticks.run("mount", "--bind", folder, folder)
    try:
        sticks.run("mount", "--make-shared", folder)
        yield
    finally:
        sticks.run("umount", folder)


@pytest.fixture
def node() -> Iterator[Hotspot]:
    """A hotspot whose process may do no more than anybody, in a folder of its own."""
    needs("udev")
    needs("loop")
    tried = [*as_nobody(), "sh", "-c", f"{sys.executable} -c 'import hotspot.daemon'"]
    if subprocess.run(tried, capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody but root can run this Python")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        node = Hotspot(Path(name) / "hotspot", inside=as_nobody(), drives_folder="")
        os.chown(node.folder, NOBODY, NOBODY)
        with sticks.udevd(), shared(ROOT), units.serving():
            try:
                node.start()
                yield node
            finally:
                node.end()


def test_a_stick_that_the_system_mounts_is_imported(node: Hotspot, tmp_path: Path) -> None:
    package = combined_package(tmp_path / "made", "combined")
    stick = sticks.LoopStick(tmp_path / "stick", {"a.bible": package.read_bytes()}, "BIBLES")
    until(lambda: node.part("drives")["running"])
    try:
        stick.plug()
        outcome = node.outcome("a.bible")
        assert outcome["outcome"] == "new", outcome["message"]
        until(lambda: node.status()["indication"] == "safe_to_remove")
        (told,) = node.status()["sticks"]
        assert told["message"] == "The stick BIBLES can be pulled out: of 1 package, 1 imported."
    finally:
        stick.pull()
    until(lambda: node.status()["indication"] == "idle")
    assert node.stop() == 0
