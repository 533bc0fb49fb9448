import io
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.write_log import (
    DISCARD,
    ENTRY,
    FLUSH,
    FUA,
    MAGIC,
    MARK,
    SUPER,
    Replay,
    read_log,
)

SECTOR = 512
DISK_SECTORS = 64

Request = tuple[int, bytes, int]
"""Where on the disk (a sector), what, and the flags."""

sectors = st.builds(
    lambda byte, count: bytes([byte]) * count * SECTOR, st.integers(0, 255), st.integers(1, 3)
)
targets = st.integers(0, DISK_SECTORS - 4)
requests = st.lists(
    st.tuples(targets, sectors, st.sampled_from([0, FUA]))
    | st.tuples(st.just(0), st.just(b""), st.just(FLUSH))
    | st.tuples(targets, st.just(b""), st.just(DISCARD)),
    max_size=12,
)


def padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % SECTOR)


def log_of(written: list[Request]) -> bytes:
    """A log as the kernel's documentation describes it; a discard counts sectors without data."""
    log = padded(SUPER.pack(MAGIC, 1, len(written), SECTOR))
    for target, data, flags in written:
        sectors = 2 if flags == DISCARD else len(data) // SECTOR
        log += padded(ENTRY.pack(target, sectors, flags, 0)) + data
    return log


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(written=requests, at=st.integers(0, 12), flushed_at=st.integers(0, 12))
def test_replaying_gives_the_disk_of_that_moment(
    tmp_path: Path, written: list[Request], at: int, flushed_at: int
) -> None:
    log, image = tmp_path / "log", tmp_path / "image"
    log.write_bytes(log_of(written))
    disk = bytearray(DISK_SECTORS * SECTOR)
    image.write_bytes(disk)
    replay = Replay(log, image)
    assert [entry.flags for entry in replay.entries] == [flags for _, _, flags in written]
    at, flushed_at = min(at, len(written)), min(flushed_at, len(written))
    replay.up_to(at // 2)
    replay.up_to(at)
    for target, data, _ in written[:at]:
        disk[target * SECTOR : target * SECTOR + len(data)] = data
    assert image.read_bytes() == disk
    safe = replay.flushed(flushed_at)
    flushes = [n + 1 for n, (_, _, flags) in enumerate(written[:flushed_at]) if flags == FLUSH]
    assert safe == (flushes[-1] if flushes else 0)


def test_an_entry_says_where_it_ends() -> None:
    log = log_of([(1, bytes(2 * SECTOR), 0), (0, b"", FLUSH)])
    first, second = read_log(io.BytesIO(log))
    assert (first.target, first.size, first.end) == (SECTOR, 2 * SECTOR, 4 * SECTOR)
    assert (second.size, second.end) == (0, len(log))
    assert (first.flushes, second.flushes) == (False, True)


def test_a_mark_writes_nothing() -> None:
    mark = padded(ENTRY.pack(0, 0, MARK, 5)) + padded(b"there")
    log = padded(SUPER.pack(MAGIC, 1, 2, SECTOR)) + mark + log_of([(3, bytes(SECTOR), 0)])[SECTOR:]
    first, second = read_log(io.BytesIO(log))
    assert (first.flags, first.size) == (MARK, 0)
    assert second.target == 3 * SECTOR


def test_a_replay_does_not_go_back(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(log_of([(0, b"", FLUSH)] * 2))
    (tmp_path / "image").write_bytes(bytes(SECTOR))
    replay = Replay(tmp_path / "log", tmp_path / "image")
    replay.up_to(2)
    with pytest.raises(ValueError):
        replay.up_to(1)


@pytest.mark.parametrize(
    "log",
    [b"", bytes(SECTOR), struct.pack("<QQQI", MAGIC, 2, 0, SECTOR), log_of([(0, b"", 1)])[:SECTOR]],
)
def test_what_is_no_whole_log_is_refused(log: bytes) -> None:
    with pytest.raises(ValueError):
        list(read_log(io.BytesIO(log)))
