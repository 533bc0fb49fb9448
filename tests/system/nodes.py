"""Real processes of the project, each with a data folder and settings of its own."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hotspot.control import channel as control
from tests.system.phones import Answer, ask

PROJECT = Path(__file__).parents[2]
HOTSPOT = [sys.executable, "-m", "hotspot"]
PATIENCE_S = 30.0
STOPS_WITHIN_S = 15.0
"""Requests under way have five seconds to end; the rest is for a machine that is busy."""

T = TypeVar("T")


def until(happened: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """The first true value of `happened`; fails the test where it does not come in time."""
    deadline = time.monotonic() + patience_s
    while not (value := happened()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


def run(
    *arguments: str | Path, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `hotspot ARGUMENTS` to its end, whatever its exit status."""
    return subprocess.run(
        [*HOTSPOT, *arguments],
        cwd=PROJECT,
        env={**os.environ, **(settings or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Node:
    """One server process and whatever it starts, in a process group of its own.

    `inside`: a command that the process is started by, such as one that changes its network.
    `program`: what stands for the `hotspot` command.
    """

    command: tuple[str, ...]
    program: Sequence[str] = HOTSPOT

    def __init__(self, folder: Path, *, inside: Sequence[str] = (), **settings: str | Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        self.inside = inside
        self.settings = {
            "HOTSPOT_DATA_DIR": str(self.data),
            **{f"HOTSPOT_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **faults: str) -> None:
        """Starts the process, and waits until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, *self.program, *self.command],
                cwd=PROJECT,
                env={**os.environ, **self.settings, **faults},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.answers)

    def answers(self) -> bool:
        """Whether the process serves; fails the test where it has ended."""
        assert self.process is not None
        assert self.process.poll() is None, f"it ended: {self.said()}"
        return self.healthy()

    def healthy(self) -> bool:
        """Whether `/healthz` says that all is well."""
        answer = ask(self.url, "GET", "/healthz")
        return answer is not None and answer.status == 200

    def said(self) -> str:
        """Everything that the process has printed or logged."""
        return self.log.read_text(errors="replace")

    def send(self, signal_number: int) -> None:
        """Sends a signal to the process and whatever it started."""
        assert self.process is not None
        os.killpg(self.process.pid, signal_number)

    def kill(self) -> None:
        """SIGKILL to the process and whatever it started."""
        self.send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        """SIGTERM to the process alone; its exit status. Fails the test where it does not end."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOPS_WITHIN_S)

    def end(self) -> None:
        """Lets nothing of it outlive the test."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def ask(self, *arguments: str | Path) -> Any:
        """What `hotspot ARGUMENTS --json` prints with this node's settings."""
        done = run(*arguments, "--json", settings=self.settings)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def request(self, method: str, path: str, **more: Any) -> Answer:
        """The answer to one request over HTTP; fails the test where there is none."""
        answer = ask(self.url, method, path, **more)
        assert answer is not None, f"{method} {path} was not answered: {self.said()[-2000:]}"
        return answer


class Hotspot(Node):
    """`hotspot run`; `sticks` is the folder that stands for its USB ports."""

    command = ("run",)

    def __init__(self, folder: Path, *, inside: Sequence[str] = (), **settings: str | Path) -> None:
        self.sticks = folder / "sticks"
        self.sticks.mkdir(parents=True)
        super().__init__(
            folder, inside=inside, **{"drives_folder": self.sticks, "name": "Test", **settings}
        )
        self.settings["HOTSPOT_HTTP_PORT"] = str(self.port)

    def status(self) -> Any:
        """What `hotspot status --json` prints."""
        return self.ask("status")

    def pending(self) -> int:
        """How many edits wait for the upstream, asked of the process without a detour."""
        told = asyncio.run(control.ask(self.data / "control.sock", "status", {}))
        return int(told["sync"]["pending"])

    def outcome(self, file: str) -> Any:
        """What the status says became of the package file of this name; waits for it."""

        def found() -> Any:
            imports = self.status()["imports"]
            return next((one for one in imports if Path(one["source"]).name == file), None)

        return until(found)

    def part(self, name: str) -> Any:
        """How the status says that a part is."""
        return self.status()["parts"][name]


class Upstream(Node):
    """`hotspot upstream run` on a PostgreSQL of its own."""

    command = ("upstream", "run")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.settings["HOTSPOT_UPSTREAM_PORT"] = str(self.port)
