from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hotspot.http.pieces import InFile, Piece, cut, size_of
from hotspot.http.ranges import Range

FILES = {Path("a"): bytes(range(100)), Path("b"): bytes(range(100, 200))}
IN_FILE = st.builds(InFile, st.sampled_from(list(FILES)), st.integers(0, 60), st.integers(0, 40))
PIECES = st.lists(st.binary(max_size=20) | IN_FILE, max_size=8)


def _bytes(pieces: list[Piece]) -> bytes:
    return b"".join(
        one if isinstance(one, bytes) else FILES[one.path][one.offset : one.offset + one.size]
        for one in pieces
    )


@given(PIECES, st.data())
def test_a_part_of_pieces_is_the_same_part_of_their_bytes(
    pieces: list[Piece], data: st.DataObject
) -> None:
    whole = _bytes(pieces)
    assert size_of(pieces) == len(whole)
    offset = data.draw(st.integers(0, len(whole)))
    size = data.draw(st.integers(0, len(whole) - offset))
    taken = list(cut(pieces, Range(offset, size)))
    assert _bytes(taken) == whole[offset : offset + size]
    assert all(size_of([one]) > 0 for one in taken)
