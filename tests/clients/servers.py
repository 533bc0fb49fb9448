"""Servers of both kinds that run, as apps see them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.packages import text_package, version_id
from tests.system.nodes import Hotspot, Node, Upstream
from tests.system.phones import Phone


@dataclass(frozen=True)
class Server:
    """A hotspot or an upstream. `folder`: for packages on their way to it."""

    node: Node
    folder: Path

    @property
    def url(self) -> str:
        return self.node.url

    @property
    def commands(self) -> tuple[str, ...]:
        """What stands before a command of this kind of server."""
        return ("upstream",) if isinstance(self.node, Upstream) else ()

    def bring(self, name: str, verses: int) -> str:
        """Imports a text of so many verses; the id of its version."""
        package = text_package(self.folder, name, verses=verses)
        self.node.ask(*self.commands, "import", package)
        return version_id(f"{name}-text")

    def token(self, name: str) -> str:
        """The token of a new phone."""
        if isinstance(self.node, Hotspot):
            return Phone.pair(self.url, self.node.ask("devices", "pair")["code"]).token
        asked = ("upstream", "add-device", "--name", name, "--role", "editor")
        return str(self.node.ask(*asked)["token"])


@contextmanager
def running(kind: str) -> Iterator[Server]:
    """A server of a kind, 'hotspot' or 'upstream', until the block ends.

    Its folder is one that PostgreSQL's account can pass through.
    """
    folder = Path(tempfile.mkdtemp(prefix="hotspot-test-"))
    node = Hotspot(folder / kind) if kind == "hotspot" else Upstream(folder / kind)
    try:
        node.start()
        yield Server(node, folder / "made")
    finally:
        node.end()
        shutil.rmtree(folder)
