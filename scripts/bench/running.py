"""What a running hotspot does while it imports: memory, waiting phones, when a package is seen."""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common import Program, Server, ask, free_port, memory_of, unit_environment

from hotspot.control import channel as control

PAUSE_S = 0.02
LOOK_EVERY_S = 0.01
PAGE = 1_000
SHOWN = 50
EDITED = 1_000
API = "/functions/v1"


class Hotspot:
    """A running hotspot; sticks appear in `sticks`. It syncs with `server` where there is one."""

    def __init__(self, folder: Path, server: Server | None = None) -> None:
        self.sticks = folder / "sticks"
        self.sticks.mkdir(parents=True)
        self.data = folder / "data"
        self.port = free_port()
        syncing = server is not None and {
            "HOTSPOT_UPSTREAM_URL": server.url,
            "HOTSPOT_UPSTREAM_TOKEN": server.token,
        }
        self.program = Program(
            "run",
            settings={
                **unit_environment(),
                "HOTSPOT_DATA_DIR": str(self.data),
                "HOTSPOT_HTTP_HOST": "127.0.0.1",
                "HOTSPOT_HTTP_PORT": str(self.port),
                "HOTSPOT_DRIVES_FOLDER": str(self.sticks),
                **(syncing or {}),
            },
            log=folder / "log",
        )

    @contextmanager
    def running(self) -> Iterator[int]:
        """The process id of the hotspot, until the block ends."""
        self.program.start()
        try:
            self.program.wait_for(f"http://127.0.0.1:{self.port}/healthz")
            assert self.program.process is not None
            yield self.program.process.pid
        finally:
            self.program.stop()

    async def control(self, operation: str, **arguments: Any) -> Any:
        """What the hotspot answers to an operation on its control socket."""
        return await control.ask(self.data / "control.sock", operation, arguments)

    def see(self, package: Path) -> float:
        """Puts in a stick with this package; seconds until phones can see it."""
        asking = Asking(self.port)
        before = len(asking.packages())
        stick = self.sticks.parent / package.stem
        stick.mkdir()
        (stick / package.name).hardlink_to(package)
        began = time.perf_counter()
        stick.rename(self.sticks / stick.name)
        while len(asking.packages()) == before:
            time.sleep(LOOK_EVERY_S)
        return time.perf_counter() - began


class Asking:
    """One phone's connection."""

    def __init__(self, port: int, token: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._token = token

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer. Ends the program where it is not 200 or 201."""
        headers = {"Authorization": f"Bearer {self._token}", "X-Client-Time": _now()}
        raw = json.dumps(body) if body is not None else None
        self._connection.request(method, path, raw, headers if self._token else {})
        response = self._connection.getresponse()
        answer = response.read()
        if response.status not in (200, 201):
            raise SystemExit(f"{path} was answered {response.status}: {answer[:200]!r}")
        return json.loads(answer)

    def packages(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"{API}/packages")["packages"])

    def text_version(self) -> str:
        """The version of the one text that there is."""
        (found,) = (one["textVersionId"] for one in self.packages() if "textVersionId" in one)
        return str(found)

    def verses(self, text: str, most: int) -> list[dict[str, Any]]:
        """Verses of a version, as the feed tells of them."""
        asked = {"scopes": [{"textVersionId": text}], "tables": ["verse_texts"]}
        page = self.ask("POST", f"{API}/sync/changes", {**asked, "maxChanges": PAGE})
        found = list(page["changes"])
        while len(found) < most and page["hasMore"]:
            scope = {"textVersionId": text, "nextToken": page["scopes"][0]["nextToken"]}
            page = self.ask(
                "POST", f"{API}/sync/changes", {**asked, "scopes": [scope], "maxChanges": PAGE}
            )
            found += page["changes"]
        return found[:most]


class Phones:
    """Phones that list packages, read the feed and rows, and push edits, until the block ends.

    `waited`: seconds of each request, by what was asked. `text`: the version that it is about.
    """

    def __init__(self, hotspot: Hotspot, text: str) -> None:
        code = ask(hotspot.program, "devices", "pair")["code"]
        made = Asking(hotspot.port).ask("POST", f"{API}/devices", {"code": code, "name": "Bench"})
        self.token = str(made["token"])
        self._text = text
        self._port = hotspot.port
        self._stop = threading.Event()
        self.waited: dict[str, list[float]] = {"list": [], "feed": [], "rows": [], "edit": []}

    def __enter__(self) -> "Phones":
        verses = Asking(self._port).verses(self._text, EDITED)
        feed = {"scopes": [{"textVersionId": self._text}], "maxChanges": SHOWN}
        rows = f"/rest/v1/verse_texts?text_version_id=eq.{self._text}&order=id&limit={SHOWN}"
        jobs: dict[str, Callable[[Asking, int], Any]] = {
            "list": lambda phone, n: phone.packages(),
            "feed": lambda phone, n: phone.ask("POST", f"{API}/sync/changes", feed),
            "rows": lambda phone, n: phone.ask("GET", rows),
            "edit": lambda phone, n: phone.ask(
                "POST",
                f"{API}/sync/upload",
                {"changes": [edit_of(verses[n % len(verses)], f"typed at {_now()}")]},
            ),
        }
        self._threads = [threading.Thread(target=self._go, args=job) for job in jobs.items()]
        for thread in self._threads:
            thread.start()
        return self

    def _go(self, name: str, job: Callable[[Asking, int], Any]) -> None:
        phone, number = Asking(self._port, self.token), 0
        while not self._stop.wait(PAUSE_S):
            began = time.perf_counter()
            job(phone, number)
            self.waited[name].append(time.perf_counter() - began)
            number += 1

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def __str__(self) -> str:
        told = []
        for name, waited in self.waited.items():
            found = (statistics.median(waited), percentile(waited, 0.99), max(waited))
            told.append(f"{len(waited)} {name} {' / '.join(f'{s * 1e3:.1f}' for s in found)}")
        return ", ".join(told)

    def longest(self) -> str:
        """The longest that each had to wait."""
        return ", ".join(f"{name} {max(s) * 1e3:.0f} ms" for name, s in self.waited.items())


def percentile(values: list[float], part: float) -> float:
    """The value that this part of all is not greater than."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def edit_of(verse: dict[str, Any], words: str) -> dict[str, Any]:
    """An edit of a verse as the feed told of it."""
    return {
        "table": "verse_texts",
        "recordId": verse["recordId"],
        "operation": "UPDATE",
        "record": {"verse_text": words},
        "localTimestamp": _now(),
        "baseVersion": verse["version"],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Peak:
    """The most that a process and its children take at once while the block runs, in MB of RSS."""

    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self.child_mb = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            children = sum(_rss(child) for child in _children(self._pid))
            self.child_mb = max(self.child_mb, children)
            self.mb = max(self.mb, _rss(self._pid) + children)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _rss(pid: int) -> float:
    """MB now; nothing where the process has ended."""
    try:
        return memory_of(pid).rss
    except (OSError, KeyError):
        return 0.0
