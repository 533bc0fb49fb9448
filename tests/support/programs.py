"""Running programs, and waiting for what they lead to."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}


def run(*command: str | Path) -> str:
    """Runs a program to its end and returns what it printed; fails the test where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, f"{command} failed: {done.stderr}"
    return done.stdout.strip()


def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
    """Waits until `what()` is true; fails the test where that does not happen in time."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
