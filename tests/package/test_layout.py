import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import PackageRefused
from hotspot.package.layout import HEADER_SIZE, Header, PackageType, pack, unpack

HEADERS = st.builds(
    Header,
    package_type=st.sampled_from(PackageType),
    manifest_size=st.integers(0, 2**32 - 1),
    database_size=st.integers(0, 2**64 - 1),
    audio_size=st.integers(0, 2**64 - 1),
    sha256=st.binary(min_size=32, max_size=32),
)


@given(HEADERS)
def test_a_header_is_read_as_it_was_written(header: Header) -> None:
    raw = pack(header)
    assert len(raw) == HEADER_SIZE == 72
    assert unpack(raw) == header


def test_fields_lie_where_the_format_says() -> None:
    raw = pack(Header(PackageType.COMBINED, 5, 6, 7, b"\xaa" * 32))
    assert raw == (
        b"BIBLE001"
        + (1).to_bytes(4, "little")
        + (3).to_bytes(4, "little")
        + (5).to_bytes(4, "little")
        + (6).to_bytes(8, "little")
        + (7).to_bytes(8, "little")
        + b"\xaa" * 32
        + bytes(4)
    )


@given(HEADERS)
def test_sections_follow_one_another(header: Header) -> None:
    assert header.database_offset == 72 + header.manifest_size
    assert header.audio_offset == header.database_offset + header.database_size
    assert header.size == header.audio_offset + header.audio_size


@given(st.binary(max_size=100))
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(PackageRefused):
        unpack(raw)


@pytest.mark.parametrize(
    ("position", "value", "sentence"),
    [
        (0, b"X", "not a .bible package"),
        (8, b"\x02", "format 2"),
        (12, b"\x07", "type"),
        (12, b"\x00", "type"),
        (68, b"\x01", "damaged"),
        (71, b"\x01", "damaged"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(
    position: int, value: bytes, sentence: str
) -> None:
    raw = bytearray(pack(Header(PackageType.TEXT, 1, 1, 0, bytes(32))))
    raw[position : position + 1] = value
    with pytest.raises(PackageRefused, match=sentence):
        unpack(bytes(raw))


@pytest.mark.parametrize("size", [8, 40, 71])
def test_half_a_header_is_refused(size: int) -> None:
    raw = pack(Header(PackageType.TEXT, 1, 1, 0, bytes(32)))
    with pytest.raises(PackageRefused, match="cut off"):
        unpack(raw[:size])


def test_types_say_what_they_hold() -> None:
    assert [one.kind for one in PackageType] == ["audio", "text", "combined"] * 2
    assert [one.in_series for one in PackageType] == [False] * 3 + [True] * 3
    assert [one for one in PackageType if not one.has_audio] == [2, 5]
    assert [one for one in PackageType if not one.has_text] == [1, 4]
