"""One case: a changed package, given to what an importer does with it, in processes of its own."""

import asyncio
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hotspot.errors import PackageRefused
from hotspot.package import child
from hotspot.package.admission import admit
from hotspot.package.copying import copy
from hotspot.package.layout import HEADER_SIZE
from hotspot.package.reader import open_package
from hotspot.package.signatures import Trust, examine
from tests.package.fuzz import oracle

DEADLINE_S = 20.0
LIMITS = child.Limits(cpu_seconds=10)
DAEMON_MEMORY = 300 << 20
"""Bytes that reading header and manifest may make a process have."""
WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")
FOREIGN = ("subprocess.Popen", "os.system", "os.exec", "socket.connect", "ctypes.dlopen")


class Found(msgspec.Struct):
    """What the daemon's side made of a package."""

    refused: str | None = None
    complete: bool = True
    damaged: list[str] = []


@dataclass(frozen=True)
class Verdict:
    """How a case ended: 'refused', 'stopped' (by a limit), 'accepted', or the kind of fault."""

    kind: str
    detail: str = ""

    @property
    def fault(self) -> bool:
        return self.kind not in ("refused", "stopped", "accepted")


def judge(raw: bytes, folder: Path) -> Verdict:
    """Gives a package in the empty `folder` to all that looks at it before it is published."""
    source, part = folder / "stick.bible", folder / "part"
    source.write_bytes(raw)
    told = _apart(lambda: _admit(source, part), folder, DAEMON_MEMORY)
    if isinstance(told, Verdict):
        return told
    found = msgspec.json.decode(told, type=Found)
    if found.refused is not None:
        return Verdict("refused", found.refused)
    told = _apart(lambda: _stage(part, folder), folder, LIMITS.memory_bytes)
    if isinstance(told, Verdict):
        return told
    outcome = msgspec.json.decode(told, type=child.Outcome)
    if outcome.refused is not None:
        return Verdict("refused", outcome.refused)

    def check() -> None:
        oracle.check(raw, folder / "staging", found.complete, found.damaged)

    told = _apart(check, folder, None)
    if isinstance(told, Verdict):
        return Verdict("wrongly accepted", told.detail)
    return Verdict("accepted")


def _admit(source: Path, part: Path) -> None:
    """What the daemon itself does."""
    try:
        seal = examine(open_package(source), Trust())
        size, spans = seal.package.size, seal.package.audio_spans
        copied = copy(source, part, size, HEADER_SIZE, lambda _: None, lambda: False, spans=spans)
        admitted = asyncio.run(admit(seal, part, copied))
        found = Found(complete=admitted.complete, damaged=sorted(admitted.damaged))
    except PackageRefused as refusal:
        found = Found(refused=str(refusal))
    sys.stdout.buffer.write(msgspec.json.encode(found))


def _stage(part: Path, folder: Path) -> None:
    """What its limited process does."""
    request = msgspec.json.encode(child.Request(limits=LIMITS)).decode()
    child.main([str(part), str(folder / "scratch"), str(folder / "staging"), request])


def _apart(work: Callable[[], None], folder: Path, memory: int | None) -> bytes | Verdict:
    """Runs `work` in a fork; what it printed, or how it failed."""
    output, complaint = folder / "output", folder / "complaint"
    process = os.fork()
    if process == 0:
        _run(work, folder, output, complaint)
    status, used = _wait(process)
    if status is None:
        return Verdict("hung", f"for {DEADLINE_S:g} s")
    said = complaint.read_text(errors="replace").strip()
    if os.WIFSIGNALED(status):
        limited = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGXFSZ, signal.SIGKILL)
        name = signal.Signals(os.WTERMSIG(status)).name
        return Verdict("stopped" if limited else "crashed", name)
    if os.WEXITSTATUS(status):
        limited = "MemoryError" in said or "File too large" in said
        return Verdict("stopped" if limited else "crashed", said[-2000:])
    if said:
        return Verdict("wrote elsewhere", said)
    if memory is not None and used.ru_maxrss * 1024 > memory:
        return Verdict("took much memory", f"{used.ru_maxrss / 1024:.0f} MB")
    return output.read_bytes()


def _run(work: Callable[[], None], folder: Path, output: Path, complaint: Path) -> None:
    """The fork's life: never returns."""
    status = 1
    try:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(os.open(complaint, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.addaudithook(_watch(folder))
        work()
        sys.stdout.flush()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _watch(folder: Path) -> Callable[[str, tuple[Any, ...]], None]:
    """Tells of everything that would change something outside `folder`."""
    own = str(folder)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        writing = event in WRITES or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
        )
        if event == "sqlite3.connect":
            writing = "mode=ro" not in str(arguments[0])
        foreign = event in FOREIGN
        if foreign or (writing and not str(arguments[0]).startswith((own, "/dev/null"))):
            os.write(2, f"{event} {arguments!r}\n".encode(errors="replace"))

    return hook


def _wait(process: int) -> tuple[int | None, resource.struct_rusage]:
    """The status of a process, or None where it had to be ended."""
    deadline = time.monotonic() + DEADLINE_S
    pause = 0.0005
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            return status, used
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            return None, os.wait4(process, 0)[2]
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
