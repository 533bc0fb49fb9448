"""A machine that lacks a part: the status says so, and all the rest works."""

import ctypes
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from tests.support import sticks
from tests.support.packages import combined_package, text_package, version_id
from tests.support.requirements import needs
from tests.system.nodes import Hotspot, until
from tests.system.phones import API, Phone, edit, texts, verses

T = TypeVar("T")

TEXT = version_id("text-text")
WITHOUT_RUN = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && exec "$@"', "sh"]
"""Starts a command where nothing of the system's services can be seen."""


@contextmanager
def running(node: Hotspot) -> Iterator[Hotspot]:
    with ExitStack() as stack:
        stack.callback(node.end)
        node.start()
        yield node


def serves_phones(node: Hotspot, folder: Path) -> None:
    """Imports, pairs and takes an edit."""
    node.ask("import", text_package(folder))
    phone = Phone.pair(node.url, node.ask("devices", "pair")["code"])
    first = verses(node.url, TEXT)[0]
    phone.push([edit(first, "typed all the same")])
    assert texts(node.url, TEXT)[first["recordId"]] == "typed all the same"


def test_without_udev_all_but_sticks_works(tmp_path: Path) -> None:
    needs("netns")
    with running(Hotspot(tmp_path / "hotspot", inside=WITHOUT_RUN, drives_folder="")) as node:
        until(lambda: not node.part("drives")["running"])
        assert node.part("drives")["sentence"].startswith("USB sticks cannot be noticed: udev")
        serves_phones(node, tmp_path)
        assert node.part("clock")["running"]


@contextmanager
def lonely_network() -> Iterator[str]:
    """The name of a network namespace that has `lo` and nothing else."""
    name = f"hs-{uuid4().hex[:6]}-lo"
    sticks.run("ip", "netns", "add", name)
    try:
        sticks.run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        sticks.run("ip", "netns", "delete", name)


def in_network(name: str, work: Callable[[], T]) -> T:
    """The result of `work` in the namespace of this name, as are the processes it starts."""

    def enter() -> None:
        with Path("/run/netns", name).open() as namespace:
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.setns(namespace.fileno(), 0) == 0, os.strerror(ctypes.get_errno())

    with ThreadPoolExecutor(1, initializer=enter) as thread:
        return thread.submit(work).result()


def test_without_a_network_phones_on_this_machine_are_served(tmp_path: Path) -> None:
    needs("netns")

    def alone() -> None:
        with running(Hotspot(tmp_path / "hotspot")) as node:
            until(lambda: not node.part("discovery")["running"])
            told = node.part("discovery")["sentence"]
            assert told == "Nobody can find this hotspot: it is on no network."
            serves_phones(node, tmp_path)

    with lonely_network() as name:
        in_network(name, alone)


def test_a_stick_is_imported_pulled_out_and_left_alone_when_it_is_back(tmp_path: Path) -> None:
    needs("udev")
    needs("loop")
    package = combined_package(tmp_path / "made", "combined")
    with sticks.udevd(), running(Hotspot(tmp_path / "hotspot", drives_folder="")) as node:
        stick = sticks.LoopStick(tmp_path / "image", {"a/combined.bible": package.read_bytes()})
        try:
            stick.plug()
            assert node.outcome("combined.bible")["outcome"] == "new"
            download = node.request("GET", f"{API}/packages/combined/download")
            assert download.body == package.read_bytes()
            stick.pull()
            stick.plug()
            until(lambda: node.status()["imports"][-1]["outcome"] == "same")
            assert node.part("drives")["running"]
            assert node.stop() == 0
            assert stick.node not in Path("/proc/self/mountinfo").read_text()
        finally:
            stick.pull()
