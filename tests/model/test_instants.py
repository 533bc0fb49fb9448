from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model import instants

MOMENTS = st.integers(min_value=0, max_value=253_000_000_000_000)


@given(MOMENTS)
def test_round_trip(ms: int) -> None:
    text = instants.from_ms(ms)
    assert len(text) == 24
    assert instants.to_ms(text) == ms


@given(MOMENTS)
def test_what_was_made_here_is_read_here(ms: int) -> None:
    text = instants.from_ms(ms)
    assert instants.parse(text) == text


def test_the_first_and_the_last_days_can_be_kept() -> None:
    for text in (
        "1970-01-29T00:00:00.000Z",
        "1970-12-31T23:59:59.999Z",
        "9998-12-31T23:59:59.999Z",
    ):
        assert instants.parse(text) == text


@given(MOMENTS, MOMENTS)
def test_texts_sort_as_instants(one: int, other: int) -> None:
    assert (instants.from_ms(one) < instants.from_ms(other)) == (one < other)


@given(st.datetimes(datetime(1971, 1, 2), datetime(9997, 1, 1)), st.integers(-720, 720))
def test_any_zone_becomes_utc(moment: datetime, minutes: int) -> None:
    offset = f"{'+' if minutes >= 0 else '-'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    parsed = instants.parse(moment.isoformat(timespec="milliseconds") + offset)
    local = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    expected = round(local.timestamp() * 1000) - minutes * 60_000
    assert instants.to_ms(parsed) == expected


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T10:15:30Z", "2026-11-22 10:15:30", "2026-11-22T10:15:30.000999Z"],
)
def test_times_without_milliseconds_get_them(text: str) -> None:
    """As text, a shorter one would sort behind all that begin alike."""
    assert instants.parse(text) == "2026-11-22T10:15:30.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30T00:00:00.000Z",
        "2026-00-10T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-11-00T00:00:00.000Z",
        "2026-11-22T24:00:00.000Z",
        "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "2026-11-22T10:15:30.123Z\n",
        "2026-11-22T10:15:30.12\u0663Z",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00.000+00:01",
        "9998-12-31T23:59:59.999-00:01",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instants.parse(text)


def test_canonical_text_is_left_as_it_is() -> None:
    for text in (
        "2026-11-22T10:15:30.123Z",
        "2024-02-29T23:59:59.999Z",
        "2026-12-31T00:00:00.000Z",
    ):
        assert instants.parse(text) == text
