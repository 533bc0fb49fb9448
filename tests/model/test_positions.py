import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import PositionGone
from hotspot.model.positions import decode, encode


@given(st.text(), st.integers(0, 2**63), st.text())
def test_round_trip(epoch: str, number: int, text: str) -> None:
    assert decode(epoch, encode(epoch, number, text), (int, str)) == (number, text)


@pytest.mark.parametrize(
    "token", ["", "!", "é", "WyJvdGhlciIsMV0", encode("now", "x"), encode("now")]
)
def test_a_token_of_another_life_starts_over(token: str) -> None:
    with pytest.raises(PositionGone):
        decode("now", token, (int,))


@given(st.text(max_size=60))
def test_whatever_a_client_sends_it_is_an_answer(token: str) -> None:
    with pytest.raises(PositionGone):
        decode("now", token, (int, int))
