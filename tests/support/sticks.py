"""Sticks without USB: loop devices with a partition, announced by a real udevd."""

import fcntl
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.support.requirements import UDEVD

CONTROL = Path("/run/udev/control")
LOCK = Path("/run/hotspot-test.lock")
DATABASE = Path("/run/udev/data")
RULE = Path("/run/udev/rules.d/99-hotspot-test.rules")
SECTOR = 512
FIRST_SECTOR = 2048
SIZE = 16 * 1024 * 1024


def run(*command: str | Path) -> str:
    """Runs a program to its end and returns what it printed; fails the test where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} failed: {done.stderr}"
    return done.stdout.strip()


def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
    """Waits until `what()` is true; fails the test where that does not happen in time."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def udevd() -> Iterator[None]:
    """A udevd that takes loop devices for USB: the one that runs, or one for the block.

    A machine has one udevd, which tells every listener of every stick: other test runs wait.
    """
    ping = ["udevadm", "control", "--ping", "--timeout=5"]
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = subprocess.run(ping, capture_output=True, check=False).returncode == 0
        with nullcontext() if runs else _own_udevd(), _rule():
            yield


@contextmanager
def _rule() -> Iterator[None]:
    RULE.parent.mkdir(parents=True, exist_ok=True)
    RULE.write_text('SUBSYSTEM=="block", KERNEL=="loop[0-9]*", ENV{ID_BUS}="usb"\n')
    run("udevadm", "control", "--reload")
    try:
        yield
    finally:
        RULE.unlink()
        run("udevadm", "control", "--reload")


@contextmanager
def _own_udevd() -> Iterator[None]:
    """Starts from an empty database: an earlier udevd's would tell of devices that went since."""
    shutil.rmtree(DATABASE, ignore_errors=True)
    process = subprocess.Popen([UDEVD], stderr=subprocess.DEVNULL)
    try:
        wait_for(CONTROL.exists)
        yield
    finally:
        process.terminate()
        process.wait()
        CONTROL.unlink(missing_ok=True)


class LoopStick:
    """A stick in the making: an image with the given files, plugged in and pulled out at will.

    `table`: whether the image has a partition table, as most sticks have.
    """

    def __init__(
        self, image: Path, files: Mapping[str, bytes], label: str = "STICK", *, table: bool = True
    ) -> None:
        self.image = image
        self.table = table
        self.device = ""
        _make_image(image, files, label, FIRST_SECTOR * SECTOR if table else 0)

    @property
    def node(self) -> str:
        """The device with the file system, while plugged in."""
        return f"{self.device}p1" if self.table else self.device

    def plug(self) -> None:
        """Makes the device appear."""
        self.device = run("losetup", "--find", "--show", self.image)
        if self.table:
            run("partx", "--add", self.device)

    def pull(self) -> None:
        """Makes the device disappear while it may be mounted; it is free once nobody holds it.

        Does nothing where it is not plugged in. Blocks until whoever mounted it has let go.
        """
        if not self.device:
            return
        Path("/sys/class/block", Path(self.node).name, "uevent").write_text("remove")
        wait_for(self._is_free)
        run("losetup", "--detach", self.device)
        run("udevadm", "settle", "--timeout=20")
        self.device = ""

    def _is_free(self) -> bool:
        if self.table:
            delete = ["partx", "--delete", self.device]
            return subprocess.run(delete, capture_output=True, check=False).returncode == 0
        return f" {self.node} " not in Path("/proc/self/mountinfo").read_text()


def _make_image(image: Path, files: Mapping[str, bytes], label: str, offset: int) -> None:
    tree = image.with_suffix(".tree")
    tree.mkdir()
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    image.touch()
    image_size = offset + SIZE
    with image.open("r+b") as file:
        file.truncate(image_size)
    options = ["-q", "-F", "-L", label, "-d", str(tree), "-E", f"offset={offset}"]
    run("mkfs.ext4", *options, image, f"{SIZE // 1024}k")
    shutil.rmtree(tree)
    if offset:
        with image.open("r+b") as file:
            file.write(_partition_table(FIRST_SECTOR, SIZE // SECTOR))


def _partition_table(first: int, sectors: int) -> bytes:
    """A master boot record with one Linux partition."""
    entry = struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), first, sectors)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"
