"""Many hotspots at once, each on a connection of its own, with as little work as HTTP takes."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from running import percentile

HOST = "127.0.0.1"
CONNECTING = 100
"""Connections that are made at the same time."""


class Box:
    """One hotspot's connection."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"Host: bench\r\nAuthorization: Bearer {token}\r\n"

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)

    def request(self, path: str, body: bytes, headers: str = "") -> bytes:
        """The bytes that ask for `path`."""
        head = f"POST {path} HTTP/1.1\r\n{self._head}{headers}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body of one answer; a server may have closed an idle connection."""
        self._writer.write(request)
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.connect()
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


@dataclass
class Crowd:
    """Connected hotspots, while the block lasts."""

    boxes: Sequence[Box]

    async def __aenter__(self) -> "Crowd":
        for start in range(0, len(self.boxes), CONNECTING):
            await asyncio.gather(*(box.connect() for box in self.boxes[start : start + CONNECTING]))
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for box in self.boxes:
            box.close()


@dataclass
class Waited:
    """Seconds of each request, how long all took together, and how they were answered."""

    seconds: list[float] = field(default_factory=list)
    answered: Counter[int] = field(default_factory=Counter)
    took: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.took

    def __str__(self) -> str:
        told = (f"{percentile(self.seconds, part) * 1e3:.0f}" for part in (0.5, 0.99, 1.0))
        return "p50 / p99 / max " + " / ".join(told) + " ms"


async def in_turns(work: Callable[[int], Awaitable[int]], requests: int, at_once: int) -> Waited:
    """Does `work` for each number below `requests`; it gives the status of the answer.

    So many at once, and of the numbers that leave the same rest when divided by that, one.
    """
    waited = Waited()

    async def worker(first: int) -> None:
        for number in range(first, requests, at_once):
            began = time.perf_counter()
            status = await work(number)
            waited.seconds.append(time.perf_counter() - began)
            waited.answered[status] += 1

    began = time.perf_counter()
    await asyncio.gather(*map(worker, range(at_once)))
    waited.took = time.perf_counter() - began
    return waited
