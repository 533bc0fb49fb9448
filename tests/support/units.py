"""What systemd does with hotspot-mount@.service, where no systemd runs.

It reads the very commands from the unit file, and runs them when udev's tags ask for the unit.
"""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyudev

from tests.support import sticks

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "hotspot-mount@.service"
RULES = SYSTEMD / "99-hotspot-drives.rules"


def commands(name: str, device: str) -> list[list[str]]:
    """The commands that the unit runs for `name`, as systemd would run them for a device."""
    lines = re.findall(rf"^{name}=-?(.+)$", UNIT.read_text(), re.MULTILINE)
    return [_words(line.replace("%i", device).replace("$$", "$")) for line in lines]


def _words(line: str) -> list[str]:
    before, quote, quoted = line.partition("'")
    return before.split() + ([quoted.removesuffix("'")] if quote else [])


def start(device: str) -> bool:
    """Does what the unit does when it starts; whether it is active then."""
    if any(map(_fails, commands("ExecCondition", device))):
        return False
    if any(map(_fails, commands("ExecStartPre", device) + commands("ExecStart", device))):
        stop(device, "exit-code")
        return False
    return True


def stop(device: str, result: str = "success") -> None:
    """Does what the unit does when it stops, or failed to start."""
    for command in commands("ExecStopPost", device):
        _fails(command, SERVICE_RESULT=result)


def _fails(command: list[str], **more: str) -> bool:
    setting = re.findall(r"^Environment=(\w+)=(.+)$", UNIT.read_text(), re.MULTILINE)
    environment = {"PATH": os.environ["PATH"], **dict(setting), **more}
    return (
        subprocess.run(command, capture_output=True, check=False, env=environment).returncode != 0
    )


@contextmanager
def serving() -> Iterator[None]:
    """Starts and stops the unit as udev asks for it, with the project's rules in force."""
    monitor = pyudev.Monitor.from_netlink(pyudev.Context())
    monitor.filter_by("block")
    monitor.start()
    ended = threading.Event()
    thread = threading.Thread(target=_serve, args=(monitor, ended))
    with sticks.rules(Path("/run/udev/rules.d") / RULES.name, RULES.read_text()):
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _serve(monitor: pyudev.Monitor, ended: threading.Event) -> None:
    active: set[str] = set()
    while not ended.is_set():
        told = monitor.poll(timeout=0.05)
        if told is None:
            continue
        device = told.sys_name
        wanted = f"hotspot-mount@{device}.service" in told.properties.get("SYSTEMD_WANTS", "")
        if device in active and told.action == "remove":
            active.discard(device)
            stop(device)
        elif device not in active and wanted and told.action != "remove" and start(device):
            active.add(device)
    for device in active:
        stop(device)
