import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import PositionGone
from hotspot.model.positions import decode, encode, moved
from hotspot.model.stores import FeedScope
from hotspot.model.tables import Scope, ScopeKind


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


HERE = Scope(ScopeKind.TEXT, "here")


@pytest.mark.parametrize(
    ("asked", "state", "told"),
    [
        ("a", FeedScope(HERE, "a", has_more=False, known=True), False),
        ("a", FeedScope(HERE, "b", has_more=False, known=True), True),
        ("a", FeedScope(HERE, "a", has_more=True, known=True), True),
        ("a", FeedScope(HERE, "a", has_more=False, known=False), True),
        (None, FeedScope(HERE, None, has_more=False, known=True), True),
    ],
    ids=["the same", "moved", "more to come", "not known any more", "never read"],
)
def test_only_what_a_client_knows_already_is_left_out(
    asked: str | None, state: FeedScope, told: bool
) -> None:
    assert moved([state], [(HERE, asked)]) == ([state] if told else [])
