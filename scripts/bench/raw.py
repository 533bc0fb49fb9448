"""A client that costs next to nothing, so that what is measured is the server."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 60
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; the names of `headers` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One phone's connection. `buffer`: how much of an answer its system takes in advance."""

    def __init__(self, port: int, buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(("127.0.0.1", port))
        self._held = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, path: str, headers: Mapping[str, str] | None = None) -> None:
        """Asks, and does not wait."""
        lines = [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{''.join(lines)}\r\n".encode())

    def receive(self) -> Answer:
        """The next answer, whole."""
        while b"\r\n\r\n" not in self._held:
            self._held += self._more()
        head, _, rest = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        status = int(first.split()[1])
        size = 0 if status == 304 else int(headers["content-length"])
        while len(rest) < size:
            rest += self._more()
        self._held = rest[size:]
        return Answer(status, headers, rest[:size])

    def ask(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        self.send(path, headers)
        return self.receive()

    def take(self, size: int) -> None:
        """Takes up to so many bytes of what has come."""
        self._socket.recv(size)

    def _more(self) -> bytes:
        chunk = self._socket.recv(_CHUNK)
        if not chunk:
            raise SystemExit("The server closed a connection.")
        return chunk


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has spent."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
