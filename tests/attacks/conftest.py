"""One running hotspot, a phone that is paired with it, and everybody else."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.packages import combined_package, text_package, version_id
from tests.system.nodes import Hotspot
from tests.system.phones import Phone, texts

TEXT = version_id("text-text")
OURS = {"Ana's phone", "Lost"}
"""The devices that the tests pair themselves."""


@pytest.fixture(scope="package")
def hotspot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotspot]:
    folder = tmp_path_factory.mktemp("attacks")
    node = Hotspot(folder / "hotspot", host_names="bible.box")
    with ExitStack() as stack:
        stack.callback(node.end)
        node.start()
        node.ask("import", text_package(folder), combined_package(folder))
        yield node


@pytest.fixture(scope="package")
def phone(hotspot: Hotspot) -> Phone:
    return Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(hotspot: Hotspot) -> Iterator[None]:
    """Whatever is sent: texts are as before, nobody got in, and the log has no traceback."""
    before = texts(hotspot.url, TEXT)
    yield
    assert hotspot.answers()
    assert texts(hotspot.url, TEXT) == before
    assert {one["name"] for one in hotspot.ask("devices", "list")} <= OURS
    assert "Traceback" not in hotspot.said()
