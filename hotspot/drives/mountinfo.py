"""What is mounted where, as the kernel lists it in /proc/self/mountinfo."""

import asyncio
import os
import re
import select
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hotspot.drives.drive import Drive

MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """A mounted file system; `root` is the part of it that is seen at `mount_point`.

    `options`: those of this mount, such as ro and noexec.
    """

    device_number: str
    root: str
    mount_point: Path
    source: str
    options: frozenset[str]


def read() -> list[Mount]:
    """Everything that is mounted now, in the order of mounting. Blocking."""
    return parse(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))


@contextmanager
def changes() -> Iterator[asyncio.Event]:
    """An event that is set whenever something was mounted or unmounted; who waits clears it.

    The kernel tells of it as urgent data (POLLPRI) of a file that always has ordinary data, which
    an event loop cannot ask for; so the loop watches an epoll that asks for nothing else.
    """
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.open(MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC)
    watch = select.epoll()

    def heard() -> None:
        watch.poll(0)
        changed.set()

    try:
        watch.register(descriptor, select.EPOLLPRI)
        loop.add_reader(watch.fileno(), heard)
        yield changed
    finally:
        loop.remove_reader(watch.fileno())
        watch.close()
        os.close(descriptor)


def parse(text: str) -> list[Mount]:
    """The mounts in the text of a mountinfo file."""
    return [_mount(line) for line in text.splitlines()]


def _mount(line: str) -> Mount:
    """Reads `36 35 98:0 /root /mount/point ro,noatime master:1 - ext4 /dev/root rw`."""
    before, _, after = line.partition(" - ")
    fields = before.split(" ")
    return Mount(
        device_number=fields[2],
        root=_plain(fields[3]),
        mount_point=Path(_plain(fields[4])),
        source=_plain(after.split(" ")[1]),
        options=frozenset(fields[5].split(",")),
    )


def _plain(field: str) -> str:
    r"""Undoes the kernel's escapes: space, tab, line feed and backslash are \ooo."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), field)


def place_of(drive: Drive, mounts: Iterable[Mount]) -> Path | None:
    """Where the whole of `drive` is mounted: the latest place, or None."""
    return next((mount.mount_point for mount in reversed(mounts_of(drive, mounts))), None)


def mounts_of(drive: Drive, mounts: Iterable[Mount]) -> list[Mount]:
    """Every mount of the whole of `drive`, in the order of mounting."""
    return [
        mount
        for mount in mounts
        if mount.root == "/"
        and (mount.device_number == drive.device_number or mount.source == drive.device_node)
    ]
