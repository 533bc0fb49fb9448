"""Sticks without USB: loop devices with or without partitions, announced by a real udevd."""

import fcntl
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from tests.support import images
from tests.support.programs import run, wait_for
from tests.support.requirements import UDEVD

__all__ = ["NOT_A_STICK", "LoopStick", "run", "udevd", "wait_for"]

PULLS, PULL_S = 20, 2.0
PLUGGING = threading.Lock()
"""Held where it matters that no device becomes another stick's."""
CONTROL = Path("/run/udev/control")
LOCK = Path("/run/hotspot-test.lock")
DATABASE = Path("/run/udev/data")
RULE = Path("/run/udev/rules.d/10-hotspot-test.rules")
USB = 'SUBSYSTEM=="block", ATTRS{loop/backing_file}=="*.stick", ENV{ID_BUS}="usb"\n'
"""By the image's name: loop devices of other programs are no sticks."""
NOT_A_STICK = "not-a-stick"
"""A name for the image behind a loop device that is a disk of the machine's own."""


@contextmanager
def udevd() -> Iterator[None]:
    """A udevd that takes our loop devices for USB: the one that runs, or one for the block.

    A machine has one udevd, which tells every listener of every stick: other test runs wait.
    """
    ping = ["udevadm", "control", "--ping", "--timeout=5"]
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = subprocess.run(ping, capture_output=True, check=False).returncode == 0
        with nullcontext() if runs else _own_udevd(), rules(RULE, USB):
            yield


@contextmanager
def rules(file: Path, text: str) -> Iterator[None]:
    """Has udevd follow these rules too until the block ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    run("udevadm", "control", "--reload")
    try:
        yield
    finally:
        file.unlink()
        run("udevadm", "control", "--reload")


@contextmanager
def _own_udevd() -> Iterator[None]:
    """Starts from nothing that an earlier udevd left: its database would tell of devices that went
    since, and its socket, if it was killed, of a udevd that runs."""
    shutil.rmtree(DATABASE, ignore_errors=True)
    CONTROL.unlink(missing_ok=True)
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
        self,
        image: Path,
        files: Mapping[str, bytes],
        label: str = "STICK",
        *,
        table: bool = True,
        kind: str = "ext4",
        size: int = images.SIZE,
    ) -> None:
        part = images.make(image.with_suffix(".part"), files, label, kind, size)
        self._hold(image, [part], table=table)

    @classmethod
    def of(cls, image: Path, parts: Sequence[Path], *, table: bool = True) -> "LoopStick":
        """A stick with these file systems, which it takes; without a table there is but one."""
        stick = cls.__new__(cls)
        stick._hold(image, parts, table=table)
        return stick

    def _hold(self, image: Path, parts: Sequence[Path], *, table: bool) -> None:
        self.image = image.with_suffix(".stick")
        self.table = table
        self.device = ""
        self._detaching = False
        self._parts = len(parts)
        if table:
            images.with_table(self.image, parts)
            for part in parts:
                part.unlink()
        else:
            parts[0].rename(self.image)

    @property
    def nodes(self) -> list[str]:
        """The devices with file systems, while plugged in."""
        if not self.table:
            return [self.device]
        return [f"{self.device}p{number + 1}" for number in range(self._parts)]

    @property
    def node(self) -> str:
        """The first of the devices with file systems, while plugged in."""
        return self.nodes[0]

    def plug(self, *, read_only: bool = False) -> None:
        """Makes the device appear."""
        more = ["--read-only"] if read_only else []
        with PLUGGING:
            self.device = run("losetup", *more, "--find", "--show", self.image)
        self._detaching = False
        if self.table:
            run("partx", "--add", self.device)

    def cut(self, size: int) -> None:
        """Loses all behind the first `size` bytes: who reads there is told of a failed device."""
        shutil.copyfile(self.image, self.image.with_suffix(".whole"))
        with self.image.open("r+b") as image:
            image.truncate(size)

    def mend(self) -> None:
        """Makes a stick whole again that was cut, and is not plugged in."""
        self.image.with_suffix(".whole").rename(self.image)

    def pull(self) -> None:
        """Makes the device disappear while it may be mounted; it is free once nobody holds it.

        Does nothing where it is not plugged in. Blocks until whoever mounted it has let go. The
        device itself stays until then, and udev tells of its changes, such as that somebody had it
        open: who takes that for a stick that came is told once more that it is gone.
        """
        if not self.device:
            return
        for _ in range(PULLS):
            self._tell_gone()
            with suppress(AssertionError):
                wait_for(self._is_gone, seconds=PULL_S)
                break
        else:
            raise AssertionError(f"{self.device} is still held by somebody.")
        run("udevadm", "settle", "--timeout=20")
        self.device = ""

    def _tell_gone(self) -> None:
        """Has udev say so of every node, as long as the device is this stick's."""
        with PLUGGING:
            for node in self.nodes if self._is_attached() else []:
                with suppress(FileNotFoundError):
                    Path("/sys/class/block", Path(node).name, "uevent").write_text("remove")

    def _is_gone(self) -> bool:
        """Whether the device is free again; has it become so as soon as nobody holds it."""
        if not self._detaching:
            delete = ["partx", "--delete", self.device]
            if self.table and subprocess.run(delete, capture_output=True, check=False).returncode:
                return False
            run("blockdev", "--setrw", self.device)
            run("losetup", "--detach", self.device)
            self._detaching = True
        return not self._is_attached()

    def _is_attached(self) -> bool:
        """Whether the device is this stick's still: one that is free is another's soon."""
        backing = Path("/sys/class/block", Path(self.device).name, "loop/backing_file")
        try:
            return Path(backing.read_text().strip()) == self.image
        except OSError:
            return False
