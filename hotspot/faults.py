"""Named points at which a test may end this process, as a power cut would."""

import os
import signal

VARIABLE = "HOTSPOT_FAULT"
"""The environment variable that names the one point at which the process ends."""


def point(name: str) -> None:
    """Kills this process with SIGKILL where the environment names this point; else does nothing."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
