"""Digests find exactly what differs, and little is said on the way."""

import random
from hashlib import sha256
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.digest import (
    FEW,
    LISTED,
    MOST_LISTED,
    PARTS,
    WHOLE,
    Index,
    Range,
    RowVersion,
    Sum,
    check_ranges,
    differing,
    fingerprint,
    next_step,
    row_hash,
    too_different,
)

NAMESPACE = UUID(int=7)

IDS = st.one_of(
    st.uuids().map(str),
    st.integers(0, 40).map(lambda n: str(UUID(int=n))),
    st.integers(0, 40).map(lambda n: str(UUID(int=2**128 - 1 - n))),
)
HASHES = st.sampled_from([fingerprint(n) for n in (0, 1, 2**63, 2**64 - 1)])
TABLES = st.sampled_from(["media_files", "verse_texts"])
ROWS = st.builds(RowVersion, TABLES, IDS, HASHES)
COPIES = st.lists(ROWS, max_size=120, unique_by=lambda row: (row.table, row.id))


def hashed(table: str, id_: str, state: str) -> RowVersion:
    """A row whose hash is one that a row can have: sums of chosen numbers would collide."""
    return RowVersion(table, id_, fingerprint(row_hash(id_, state, table)))


HASHED = st.lists(
    st.builds(hashed, TABLES, IDS, st.sampled_from(["older", "newer"])),
    max_size=120,
    unique_by=lambda row: (row.table, row.id),
)


def row(number: int, state: str = "") -> RowVersion:
    id_ = str(uuid5(NAMESPACE, str(number)))
    return RowVersion("verse_texts", id_, fingerprint(row_hash(id_, state, "")))


def search(ours: Index, theirs: Index) -> tuple[list[RowVersion], list[RowVersion], int, int]:
    """What differs, how many sums were asked for, and how many rows were listed."""
    step = next_step(ours, [WHOLE], [theirs.sum(WHOLE)])
    own: list[RowVersion] = []
    other: list[RowVersion] = []
    sums = 0
    while step.sums or step.lists:
        own += [one for ids in step.lists for one in ours.rows(ids)]
        other += [one for ids in step.lists for one in theirs.rows(ids)]
        sums += len(step.sums)
        check_ranges(step.sums)
        check_ranges(step.lists)
        step = next_step(ours, step.sums, [theirs.sum(ids) for ids in step.sums])
    changed, only_ours = differing(own, other)
    return changed, only_ours, sums, len(other)


def test_the_row_hash_is_what_the_contract_says() -> None:
    id_, stamp, content = str(UUID(int=1)), "2026-11-22T10:00:00.000Z", "0123456789abcdef"
    digest = sha256(f"{id_}~{stamp}~{content}".encode()).hexdigest()
    assert fingerprint(row_hash(id_, stamp, content)) == digest[:16]
    assert -(2**63) <= row_hash(id_, stamp, content) < 2**63


@given(HASHED, HASHED)
def test_a_search_finds_exactly_what_differs(
    ours: list[RowVersion], theirs: list[RowVersion]
) -> None:
    changed, only_ours, _, _ = search(Index(ours), Index(theirs))
    assert set(changed) == set(theirs) - set(ours)
    keys = {(one.table, one.id) for one in theirs}
    assert set(only_ours) == {one for one in ours if (one.table, one.id) not in keys}


@given(COPIES)
def test_equal_copies_are_seen_to_be_equal_at_once(rows: list[RowVersion]) -> None:
    step = next_step(Index(rows), [WHOLE], [Index(reversed(rows)).sum(WHOLE)])
    assert not step.sums
    assert not step.lists


@given(COPIES, st.randoms(use_true_random=False))
def test_parts_cover_a_range_once(rows: list[RowVersion], chance: random.Random) -> None:
    index = Index(rows)
    ids = WHOLE
    while len(index.rows(ids)) > 1 and (parts := index.divide(ids)) != [ids]:
        assert 2 <= len(parts) <= PARTS
        check_ranges(parts)
        assert (parts[0].start, parts[-1].end) == (ids.start, ids.end)
        assert [a.end for a in parts[:-1]] == [b.start for b in parts[1:]]
        assert [one for part in parts for one in index.rows(part)] == list(index.rows(ids))
        ids = chance.choice(parts)


@given(COPIES, st.lists(IDS, min_size=2, max_size=2, unique=True).map(sorted))
def test_a_range_holds_the_ids_between_its_bounds(rows: list[RowVersion], ends: list[str]) -> None:
    low, high = (end.rstrip("0") for end in ends)
    if not high:
        return
    for ids in (Range(low, high), Range("", high), Range(low, ""), WHOLE):
        first, last = ids.bounds
        inside = {one for one in rows if first <= one.id <= last}
        assert set(Index(rows).rows(ids)) == inside
        assert inside == {
            one for one in rows if one.id >= ids.start and (not ids.end or one.id < ids.end)
        }


@pytest.mark.parametrize(
    ("ranges", "why"),
    [
        ([Range("x")], "beginning"),
        ([Range("A")], "beginning"),
        ([Range("1a2b3c4d5")], "beginning"),
        ([Range(str(UUID(int=1)) + "0")], "beginning"),
        ([Range("2", "1")], "before"),
        ([Range("1", "1")], "before"),
        ([Range("", "0")], "before"),
        ([Range("1", "3"), Range("2", "4")], "order"),
        ([WHOLE, WHOLE], "order"),
        ([Range("2", "3"), Range("1", "2")], "order"),
    ],
)
def test_ranges_that_are_none_are_refused(ranges: list[Range], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_ranges(ranges)


def test_a_hundred_differences_in_a_bible_take_little() -> None:
    chance = random.Random(100)
    changed = set(chance.sample(range(31_102), 100))
    ours = Index(row(n) for n in range(31_102))
    theirs = Index(row(n, "edited" if n in changed else "") for n in range(31_102))
    found, only_ours, sums, listed = search(ours, theirs)
    assert {one.id for one in found} == {row(n).id for n in changed}
    assert not only_ours
    assert sums < 2_000
    assert listed < 1_000


def test_what_one_side_lacks_altogether_is_listed_at_once() -> None:
    whole = Index(row(n) for n in range(5_000))
    assert next_step(Index([]), [WHOLE], [whole.sum(WHOLE)]).lists == [WHOLE]
    assert next_step(Index([]), [WHOLE], [whole.sum(WHOLE)]).listed == 5_000


def test_sums_of_equal_fingerprints_and_unequal_counts_differ() -> None:
    nothing = RowVersion("verse_texts", str(UUID(int=1)), fingerprint(0))
    step = next_step(Index([nothing]), [WHOLE], [Sum(0, fingerprint(0))])
    assert step.lists == [WHOLE]


@pytest.mark.parametrize(
    ("listed", "rows", "too"),
    [
        (0, FEW, True),
        (0, FEW + 1, False),
        (LISTED, 31_102, False),
        (501, 1_000, True),
        (500, 1_000, False),
        (MOST_LISTED + 1, 10**6, True),
    ],
)
def test_where_too_much_differs_all_is_read(listed: int, rows: int, too: bool) -> None:
    assert too_different(listed, rows) is too
