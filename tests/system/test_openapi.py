"""Requests that schemathesis makes up from `/openapi.json`, to running servers.

None may lead to a 5xx, nor to an answer that the description does not have: by its status, its
content type, its headers or the schema of its body.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.packages import text_package
from tests.system.nodes import Hotspot, Node, Upstream
from tests.system.phones import Phone

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
QUICK = ["--max-examples=5", "--max-time=8", "--generation-deterministic"]
THOROUGH = ["--max-examples=300", "--max-time=240"]
ENDLESS = "/functions/v1/events"


@pytest.fixture
def village(tmp_path: Path) -> Iterator[tuple[Hotspot, str]]:
    """A hotspot with a package, and the token of a phone that may do everything."""
    node = Hotspot(tmp_path / "hotspot")
    with ExitStack() as stack:
        stack.callback(node.end)
        node.start()
        node.ask("import", text_package(tmp_path, verses=5))
        code = node.ask("devices", "pair", "--role", "admin")["code"]
        yield node, Phone.pair(node.url, code).token


@pytest.fixture
def server(upstream: Upstream, tmp_path: Path) -> tuple[Upstream, str]:
    """A server with a package's records, and the token of a hotspot."""
    upstream.ask("upstream", "import", text_package(tmp_path, verses=5))
    return upstream, upstream.ask("upstream", "add-device", "--name", "Box")["token"]


def try_all(node: Node, token: str, folder: Path, settings: list[str]) -> None:
    """Fails the test with what schemathesis says."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{node.url}/openapi.json",
            f"--header=Authorization: Bearer {token}",
            f"--checks={','.join(CHECKS)}",
            f"--exclude-path={ENDLESS}",
            "--phases=examples,coverage,fuzzing",
            "--request-timeout=20",
            "--no-color",
            "--warnings=off",
            *settings,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Traceback" not in node.said()


def test_a_hotspot_answers_as_described(village: tuple[Hotspot, str], tmp_path: Path) -> None:
    try_all(*village, tmp_path, QUICK)


def test_the_server_answers_as_described(server: tuple[Upstream, str], tmp_path: Path) -> None:
    try_all(*server, tmp_path, QUICK)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hotspot_answers_as_described_for_long(
    village: tuple[Hotspot, str], tmp_path: Path
) -> None:
    try_all(*village, tmp_path, THOROUGH)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_server_answers_as_described_for_long(
    server: tuple[Upstream, str], tmp_path: Path
) -> None:
    try_all(*server, tmp_path, THOROUGH)
