"""Parts of a file are hashed whatever the pieces are in which it goes by."""

from hashlib import sha256
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hotspot.package.spans import SpanHashes


@given(
    content=st.binary(max_size=60),
    marks=st.lists(st.integers(0, 60), max_size=8),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_each_part_has_its_own_hash(content: bytes, marks: list[int], cuts: list[int]) -> None:
    ends = sorted(min(mark, len(content)) for mark in marks)
    spans = [(low, high - low) for low, high in zip(ends[::2], ends[1::2], strict=False)]
    hashes = SpanHashes(spans)
    at = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for low, high in pairwise(at):
        hashes.update(memoryview(content)[low:high])
    expected = [sha256(content[start : start + size]).hexdigest() for start, size in spans]
    assert list(hashes.result()) == expected
