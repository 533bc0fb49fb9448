"""Machines and phones whose clocks are wrong."""

import json
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from hotspot.clock import monotonic_ms
from hotspot.model import instants
from tests.system.nodes import Hotspot
from tests.system.phones import API, Answer, ask

SECOND, HOUR = 1_000, 3_600_000
YEAR = 365 * 24 * HOUR


class Machine:
    """The clocks of a machine without a battery, in a file that two processes look at.

    `boot_id`, `booted_ms`: this boot, and the real monotonic time at which it began.
    `wall_off_ms`: how far the system's clock is ahead of the truth; nothing should depend on it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        if not file.exists():
            self._write({"bootId": "", "bootedMs": 0, "wallOffMs": 0})
            self.boot()

    def boot(self) -> None:
        """Power comes back."""
        self._write({"bootId": str(uuid4()), "bootedMs": monotonic_ms()})

    def show(self, wall_ms: int) -> None:
        """Sets the system's clock, while whatever runs goes on running."""
        self._write({"wallOffMs": wall_ms - time.time_ns() // 1_000_000})

    def _write(self, changed: dict[str, Any]) -> None:
        known = self._read() if self._file.exists() else {}
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({**known, **changed}))
        new.replace(self._file)

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._file.read_text())
        return found

    @property
    def boot_id(self) -> str:
        return str(self._read()["bootId"])

    @property
    def booted_ms(self) -> int:
        return int(self._read()["bootedMs"])

    @property
    def wall_off_ms(self) -> int:
        return int(self._read()["wallOffMs"])


class ClockedHotspot(Hotspot):
    """A hotspot on a machine of its own."""

    def __init__(self, folder: Path, **settings: str | Path) -> None:
        folder.mkdir(parents=True)
        self.machine = Machine(folder / "clocks.json")
        program = [sys.executable, "-m", "tests.system.clocked", str(folder / "clocks.json")]
        super().__init__(folder, inside=program, **settings)


class WrongPhone:
    """A phone whose clock is `ahead_ms` ahead of the truth."""

    def __init__(self, url: str, token: str, ahead_ms: int = 0) -> None:
        self.url = url
        self.token = token
        self.ahead_ms = ahead_ms

    def shown(self, ago_ms: int = 0) -> str:
        """What its clock showed so long ago."""
        return instants.from_ms(time.time_ns() // 1_000_000 + self.ahead_ms - ago_ms)

    def push(self, verse: dict[str, Any], text: str, *, ago_ms: int = 0) -> Any:
        """Pushes an edit of a verse as the feed told of it, made so long ago; what became of it."""
        change = {
            "table": "verse_texts",
            "recordId": verse["recordId"],
            "record": {"verse_text": text},
            "localTimestamp": self.shown(ago_ms),
            "baseVersion": verse["version"],
        }
        body = json.dumps({"batchId": str(uuid4()), "changes": [change]}).encode()
        headers = {"Authorization": f"Bearer {self.token}", "X-Client-Time": self.shown()}
        answer = ask(self.url, "POST", f"{API}/sync/upload", body=body, headers=headers)
        assert isinstance(answer, Answer) and answer.status == 200, answer
        return answer.json["results"][0]
