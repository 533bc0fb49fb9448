import zlib
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.http.archive import MOST_BYTES, MOST_ENTRIES, Entry, archive
from hotspot.http.pieces import InFile, size_of

NAMES = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)


def _whole(files: dict[str, bytes]) -> bytes:
    """The archive of these files, with their bytes filled in."""
    lying = {Path(name): body for name, body in files.items()}
    entries = [
        Entry(name, InFile(Path(name), 0, len(body)), zlib.crc32(body))
        for name, body in files.items()
    ]
    pieces = archive(entries)
    whole = b"".join(one if isinstance(one, bytes) else lying[one.path] for one in pieces)
    assert len(whole) == size_of(pieces)
    return whole


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=8))
def test_any_reader_finds_the_files(files: dict[str, bytes]) -> None:
    """Read by the standard library, which knows nothing of how it was written."""
    with ZipFile(BytesIO(_whole(files))) as found:
        assert found.testzip() is None
        assert {one.filename: found.read(one) for one in found.infolist()} == files
        assert {one.compress_type for one in found.infolist()} <= {ZIP_STORED}


def test_what_no_old_reader_understands_is_not_made() -> None:
    huge = Entry("huge", InFile(Path("huge"), 0, MOST_BYTES), 0)
    with pytest.raises(ValueError, match="too big"):
        archive([huge])
    small = Entry("small", InFile(Path("small"), 0, 0), 0)
    with pytest.raises(ValueError, match="too many"):
        archive([small] * (MOST_ENTRIES + 1))
