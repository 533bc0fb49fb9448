"""Disks whose every write is recorded, and file systems in files. All of it needs root."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.sticks import run, wait_for

SIZE_MB = 256

_NODES = (
    *("--blockdev", "driver=file,node-name=disk,filename={image},cache.no-flush=on"),
    *("--blockdev", "driver=file,node-name=log,filename={log},cache.no-flush=on"),
    *("--blockdev", "driver=blklogwrites,node-name=kept,file=disk,log=log,log-sector-size=512"),
)


@dataclass(frozen=True, slots=True)
class RecordedDisk:
    """A mounted ext4 whose requests are recorded in `log`. `base`: the disk before the first."""

    folder: Path
    base: Path
    log: Path

    def position(self) -> int:
        """The length of the log now, in bytes."""
        return self.log.stat().st_size


@contextmanager
def recorded_disk(work: Path) -> Iterator[RecordedDisk]:
    """A recorded disk below `work`; its log is whole when the block has ended."""
    base, log = work / "base.img", work / "log"
    make_ext4(base, SIZE_MB)
    copy_image(base, work / "disk.img")
    log.touch()
    nodes = [one.format(image=work / "disk.img", log=log) for one in _NODES]
    with exported(work / "exported", nodes, "kept") as device, mounted(device, work / "disk"):
        yield RecordedDisk(work / "disk", base, log)


@contextmanager
def exported(at: Path, nodes: list[str], node: str, *, writable: bool = True) -> Iterator[Path]:
    """The block device `node` of qemu, described by the options `nodes`, as the file `at`."""
    at.touch()
    export = f"type=fuse,id=export,node-name={node},mountpoint={at}"
    export += f",writable={'on' if writable else 'off'}"
    before = at.stat().st_dev
    with subprocess.Popen(["qemu-storage-daemon", *nodes, "--export", export]) as daemon:
        try:
            wait_for(lambda: daemon.poll() is not None or at.stat().st_dev != before)
            assert daemon.poll() is None, "qemu-storage-daemon ended"
            yield at
        finally:
            daemon.terminate()
            daemon.wait()
            subprocess.run(["umount", "--lazy", at], capture_output=True, check=False)


def make_ext4(image: Path, size_mb: int) -> None:
    """An empty ext4 of this size in a new sparse file.

    Its blocks are as large as a card's. In smaller ones SQLite's shared memory would have holes
    when the disk is full, and touching them ends the process.
    """
    with image.open("xb") as file:
        file.truncate(size_mb << 20)
    lazy = "lazy_itable_init=0,lazy_journal_init=0"
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-J", "size=4", "-E", lazy, image)


def copy_image(source: Path, target: Path) -> None:
    """Copies an image, and leaves holes where it has them."""
    run("cp", "--sparse=always", "--reflink=auto", source, target)


@contextmanager
def mounted(image: Path, folder: Path, *options: str) -> Iterator[Path]:
    """The file system in `image`, mounted at `folder` until the block ends."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        device = run("losetup", "--find", "--show", image)
        stack.callback(_detach, device)
        run("mount", "-o", ",".join(("noatime", *options)), device, folder)
        stack.callback(run, "umount", folder)
        yield folder


def _detach(device: str) -> None:
    """A device may be in use for a moment after its file system was unmounted."""
    deadline = time.monotonic() + 20
    while subprocess.run(["losetup", "--detach", device], capture_output=True).returncode:
        assert time.monotonic() < deadline, f"{device} stays in use"
        time.sleep(0.02)
