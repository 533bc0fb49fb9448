"""The programs of the demonstration as processes of their own, and asking them for things."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

HOTSPOT = [sys.executable, "-m", "hotspot"]
PHONE = [sys.executable, str(Path(__file__).with_name("phone.py"))]
PATIENCE_S = 60.0

T = TypeVar("T")


class StepFailed(Exception):
    """A step of the demonstration did not hold."""


class Program:
    """One `hotspot` process in a process group of its own.

    `inside`: a command that the process is started by, such as one that changes its network.
    """

    def __init__(
        self, *arguments: str, settings: Mapping[str, str], log: Path, inside: Sequence[str] = ()
    ) -> None:
        self.arguments = [*inside, *HOTSPOT, *arguments]
        self.settings = {**clean_environment(), **settings}
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.arguments,
                env=self.settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for(self, url: str) -> None:
        """Waits until `url` answers 200."""

        def answers() -> bool:
            if self.process is None or self.process.poll() is not None:
                raise StepFailed(f"A process ended early; see {self.log}.")
            return answer_of(url) == 200

        until(answers, f"{url} does not answer; see {self.log}")

    def kill(self) -> None:
        """SIGKILL to the process and whatever it started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


def ask(program: Program, *arguments: str) -> Any:
    """What `hotspot ARGUMENTS --json` prints with this program's settings."""
    return _json([*HOTSPOT, *arguments, "--json"], program.settings)


def phone(state: Path, *arguments: str) -> Any:
    """What the phone with this state folder says; it gets no settings."""
    return _json([*PHONE, str(state), *arguments], clean_environment())


def _json(command: list[str], environment: Mapping[str, str]) -> Any:
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise StepFailed(f"{' '.join(command[1:])} failed and said: {said[-1]}")
    return json.loads(done.stdout)


def clean_environment() -> dict[str, str]:
    """The environment without any of our settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HOTSPOT_")}


def until(happened: Callable[[], T], otherwise: str) -> T:
    """The first true value of `happened`. Raises StepFailed where it does not come in time."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = happened()
        if value:
            return value
        time.sleep(0.05)
    raise StepFailed(otherwise)


def answer_of(url: str) -> int | None:
    """The status that a GET of `url` is answered with, None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
