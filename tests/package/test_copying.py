import errno
import resource
from collections.abc import Callable
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot.errors import NoSpace, SourceGone
from hotspot.package import copying
from hotspot.package.copying import CHUNK, Cancelled, Copied, copy

SKIP = 72
CONTENT = bytes(range(256)) * (3 * CHUNK // 256) + b"the end"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.bible"
    file.write_bytes(CONTENT)
    return file


def copied(source: Path, part: Path, size: int = len(CONTENT)) -> Copied:
    return copy(source, part, size, SKIP, lambda done: None, lambda: False)


def test_one_pass_copies_and_hashes(source: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    part = tmp_path / "part"
    result = copy(source, part, len(CONTENT), SKIP, seen.append, lambda: False)
    assert part.read_bytes() == CONTENT
    assert result.sha256 == sha256(CONTENT).hexdigest()
    assert result.content_sha256 == sha256(CONTENT[SKIP:]).hexdigest()
    assert not result.resumed
    assert seen == [CHUNK, 2 * CHUNK, 3 * CHUNK, len(CONTENT)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=st.integers(0, len(CONTENT)) | st.integers(0, 2 * SKIP))
def test_it_goes_on_at_the_byte_where_it_was_cut(source: Path, tmp_path: Path, there: int) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:there])
    result = copied(source, part)
    assert part.read_bytes() == CONTENT
    assert result == Copied(
        sha256(CONTENT).hexdigest(), sha256(CONTENT[SKIP:]).hexdigest(), there > 0
    )


def test_a_longer_leftover_is_not_of_this_file(source: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT + b"more")
    assert not copied(source, part).resumed
    assert part.read_bytes() == CONTENT


def test_a_file_that_ends_early_keeps_what_was_read(source: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    with pytest.raises(SourceGone, match="goes on where it stopped"):
        copied(source, part, len(CONTENT) + 1)
    assert part.read_bytes() == CONTENT


def test_stopping_keeps_what_was_read(source: Path, tmp_path: Path) -> None:
    part, seen = tmp_path / "part", [0]
    with pytest.raises(Cancelled):
        copy(source, part, len(CONTENT), SKIP, seen.append, lambda: seen[-1] >= 2 * CHUNK)
    assert part.read_bytes() == CONTENT[: 2 * CHUNK]


def test_what_does_not_fit_is_said_so(source: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK + 5, before[1]))
    try:
        with pytest.raises(NoSpace, match="The card is full"):
            copied(source, part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert part.read_bytes() == CONTENT[: CHUNK + 5]
    assert copied(source, part).resumed


BAD = CHUNK + 5000
"""Where the drive below cannot be read."""


def drive(failing: Callable[[int], bool]) -> type[FileIO]:
    """A drive that gives what lies before BAD, and fails there while `failing(attempt)`."""

    class Drive(FileIO):
        attempts = 0

        def readinto(self, buffer: Any, /) -> int:
            at = self.tell()
            if not self.readable() or self.writable() or not at <= BAD < at + len(buffer):
                return super().readinto(buffer) or 0
            self.attempts += 1
            if failing(self.attempts):
                raise OSError(errno.EIO, "Input/output error")
            return super().readinto(buffer) or 0

    return Drive


def test_a_drive_that_fails_for_a_moment_is_asked_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FileIO", drive(lambda attempt: attempt <= 2))
    assert copied(source, tmp_path / "part").sha256 == sha256(CONTENT).hexdigest()


def test_a_bad_sector_is_said_and_all_before_it_is_kept(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FileIO", drive(lambda attempt: True))
    part = tmp_path / "part"
    with pytest.raises(SourceGone, match=r"cannot be read any further \(Input/output error\)"):
        copied(source, part)
    assert BAD - copying.SMALLEST <= part.stat().st_size <= BAD
    assert CONTENT.startswith(part.read_bytes())


def test_what_the_kernel_cannot_read_is_not_asked_for_for_ever(tmp_path: Path) -> None:
    """Reading the first bytes of a process's memory is an input/output error."""
    with pytest.raises(SourceGone, match="Input/output error"):
        copied(Path("/proc/self/mem"), tmp_path / "part")
