from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.http.ranges import (
    APART,
    MOST,
    Range,
    Unsatisfiable,
    etag_matches,
    if_range_matches,
    parse_ranges,
)

SIZES = st.integers(0, 2**63)
PLACES = st.integers(0, 2**64)
OPAQUE = st.text(st.sampled_from("!#abc,~ÿ'"), max_size=8)


@given(PLACES, PLACES, SIZES)
def test_from_to(first: int, last: int, size: int) -> None:
    found = parse_ranges(f"bytes={first}-{last}", size)
    if last < first:
        assert found is None
    elif first >= size:
        assert found == Unsatisfiable()
    else:
        assert found == (Range(first, min(last, size - 1) - first + 1),)


@given(PLACES, SIZES)
def test_from_on(first: int, size: int) -> None:
    expected = (Range(first, size - first),) if first < size else Unsatisfiable()
    assert parse_ranges(f"bytes={first}-", size) == expected


@given(PLACES, SIZES)
def test_last_bytes(length: int, size: int) -> None:
    found = parse_ranges(f"bytes=-{length}", size)
    if length == 0:
        assert found == Unsatisfiable()
    elif size == 0:
        assert found is None
    else:
        assert found == (Range(max(size - length, 0), min(length, size)),)


@given(st.text() | st.from_regex(r"bytes=[-0-9, ]*", fullmatch=True), SIZES)
def test_whatever_comes_no_byte_outside_is_named(header: str, size: int) -> None:
    match parse_ranges(header, size):
        case (*ranges,):
            assert 0 < len(ranges) <= MOST
            assert all(0 <= one.offset < one.end <= size for one in ranges)
            ordered = sorted(ranges, key=lambda one: one.offset)
            assert all(one.end + APART < next_.offset for one, next_ in pairwise(ordered))


PARTS = st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 500)), min_size=1, max_size=MOST)


@given(PARTS, st.integers(1, 3_000))
def test_several_have_every_byte_asked_for_in_their_order(
    parts: list[tuple[int, int]], size: int
) -> None:
    header = "bytes=" + ",".join(f"{first}-{first + more}" for first, more in parts)
    asked = [(first, min(first + more, size - 1)) for first, more in parts if first < size]
    found = parse_ranges(header, size)
    if not asked:
        assert found == Unsatisfiable()
        return
    assert isinstance(found, tuple)
    places = [
        next(n for n, one in enumerate(found) if one.offset <= first and last < one.end)
        for first, last in asked
    ]
    first_asked = [places.index(n) for n in range(len(found))]
    assert first_asked == sorted(first_asked)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9,200-209", (Range(0, 10), Range(200, 10))),
        ("bytes=200-209, 0-9", (Range(200, 10), Range(0, 10))),
        ("bytes=0-9,5-19", (Range(0, 20),)),
        ("bytes=0-9,109-119", (Range(0, 120),)),
        ("bytes=0-9,111-119", (Range(0, 10), Range(111, 9))),
        ("bytes=-10,0-9", (Range(990, 10), Range(0, 10))),
        ("bytes=5000-,0-9", (Range(0, 10),)),
        ("bytes=0-9,9-5", None),
        ("bytes=" + ",".join(f"{n * 50}-{n * 50}" for n in range(MOST + 1)), None),
        ("bytes=" + ",".join(["0-0"] * 10_000), None),
    ],
)
def test_several(header: str, expected: tuple[Range, ...] | None) -> None:
    assert parse_ranges(header, 1_000) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=+1-2",
        "bytes=1-2-3",
        "bytes=0x1-2",
        "bytes=٣-٥",
        "bytes=" + "9" * 5000 + "-",
        "items=0-5",
    ],
)
def test_answered_whole(header: str | None) -> None:
    assert parse_ranges(header, 10) is None


@pytest.mark.parametrize("header", ["BYTES=2-3", "bytes= 2-3 ", "bytes=,2-3,"])
def test_lists_of_one(header: str) -> None:
    assert parse_ranges(header, 10) == (Range(2, 2),)


def test_if_range_is_compared_strongly() -> None:
    assert if_range_matches(None, '"a"')
    assert if_range_matches('"a"', '"a"')
    assert not if_range_matches('W/"a"', '"a"')
    assert not if_range_matches('"b"', '"a"')
    assert not if_range_matches("Sun, 22 Nov 2026 10:15:30 GMT", '"a"')


@given(st.lists(st.tuples(st.booleans(), OPAQUE), min_size=1, max_size=5), OPAQUE)
def test_etag_lists(tags: list[tuple[bool, str]], ours: str) -> None:
    header = " , ".join(f'{"W/" if weak else ""}"{opaque}"' for weak, opaque in tags)
    assert etag_matches(header, f'"{ours}"', weak=True) == (ours in [tag for _, tag in tags])
    assert etag_matches(header, f'"{ours}"', weak=False) == ((False, ours) in tags)


def test_etags_that_are_none() -> None:
    assert not etag_matches(None, '"a"', weak=True)
    assert not etag_matches("a", '"a"', weak=True)
    assert etag_matches(" * ", '"a"', weak=False)
