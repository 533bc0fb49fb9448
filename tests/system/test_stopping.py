"""SIGTERM while everything is under way: a clean end within seconds, and nothing is lost by it."""

import signal
import socket
from contextlib import closing
from pathlib import Path

from tests.support.packages import combined_package, version_id
from tests.system.nodes import Hotspot, Upstream, until
from tests.system.phones import API, Phone, edit, texts, verses

TEXT = version_id("text-text")
LARGE = 40_000_000


def test_sigterm_ends_downloads_imports_and_syncs(
    village: Hotspot, upstream: Upstream, tmp_path: Path
) -> None:
    village.start()
    village.ask("import", combined_package(tmp_path / "first", "first", size=LARGE))
    phone = Phone.pair(village.url, village.ask("devices", "pair")["code"])
    with closing(half_a_download(village, "first")):
        upstream.send(signal.SIGSTOP)
        first = verses(village.url, TEXT)[0]
        phone.push([edit(first, "typed while the server slept")])
        until(lambda: unread(upstream.port))
        combined_package(tmp_path / "stick", "second", size=LARGE)
        (tmp_path / "stick").rename(village.sticks / "stick")
        until(lambda: list((village.data / "incoming").glob("*.part")))
        assert village.stop() == 0
    assert "Traceback" not in village.said()
    assert [part.suffix for part in (village.data / "incoming").iterdir()] == [".part"]
    upstream.send(signal.SIGCONT)
    village.start()
    assert village.outcome("second-1.0.bible")["outcome"] == "new"
    until(lambda: texts(upstream.url, TEXT)[first["recordId"]] == "typed while the server slept")


def half_a_download(hotspot: Hotspot, package_id: str) -> socket.socket:
    """A connection on which a download has begun, and is not read any further."""
    phone = socket.create_connection(("127.0.0.1", hotspot.port))
    phone.sendall(f"GET {API}/packages/{package_id}/download HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert phone.recv(100).startswith(b"HTTP/1.1 200 ")
    return phone


def unread(port: int) -> bool:
    """Whether the process that listens on `port` has been sent something that it has not read."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    for line in lines:
        local, _, _, queues = line.split()[1:5]
        if local.endswith(f":{port:04X}") and int(queues.partition(":")[2], 16) > 100:
            return True
    return False


def test_a_stopped_hotspot_leaves_no_socket_and_no_announcement(hotspot: Hotspot) -> None:
    assert hotspot.stop() == 0
    assert not (hotspot.data / "control.sock").exists()
    assert hotspot.status()["parts"] == {}
    assert "Traceback" not in hotspot.said()
