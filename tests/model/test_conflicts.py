"""When a conflict closes, and what bringing a version back makes of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model import conflicts
from hotspot.model.merge import Local, Mark, Pending, Sent, Status, Verdict, receive, settle
from hotspot.model.records import Record
from hotspot.model.stores import Loser
from tests.model.builders import at, verse
from tests.model.test_judging import change, judged

TEXTS = st.sampled_from(["one", "two", "three"])
VERSES = st.builds(
    lambda text, ms, gone: verse(text, ms, deleted=gone),
    TEXTS,
    st.integers(0, 4000),
    st.booleans(),
)
BASES = st.none() | VERSES.map(lambda row: Pending(row.version))


@given(VERSES, VERSES, BASES, st.booleans(), st.booleans())
def test_a_conflict_is_open_exactly_as_long_as_the_text_it_is_about(
    mine: Record, incoming: Record, pending: Pending | None, edited: bool, comparing: bool
) -> None:
    """Whatever comes down: the mark, what is closed, and what becomes current agree."""
    local = Local(mine, pending, edited or pending is not None, disputed=True)
    outcome = receive(local, incoming, comparing=comparing)
    current = outcome.record or mine
    same_text = current.values["verse_text"] == mine.values["verse_text"]
    if outcome.moves_on:
        assert outcome.mark is not None
        assert outcome.loser is not None or not same_text or mine.deleted != current.deleted
    elif outcome.record is not None:
        assert same_text
        assert (outcome.mark, outcome.resolution) == (Mark.CONFLICT, "manual")
    else:
        assert outcome.mark in (None, Mark.PENDING)


def test_a_row_that_only_got_another_stamp_leaves_the_conflict_open() -> None:
    local = Local(verse("stands", 10), disputed=True)
    outcome = receive(local, verse("stands", 12))
    assert (outcome.record, outcome.mark) == (verse("stands", 12), Mark.CONFLICT)
    assert not outcome.moves_on


def test_a_row_that_moves_on_closes_the_conflict_also_where_nobody_edited_it_here() -> None:
    outcome = receive(Local(verse("stands", 10), disputed=True), verse("later", 12))
    assert (outcome.mark, outcome.moves_on) == (Mark.SYNCED, True)


def test_an_edit_that_goes_through_leaves_a_phones_conflict_with_it_open() -> None:
    mine = verse("mine", 10)
    local = Local(mine, Pending(None), edited=True, disputed=True)
    sent = Sent(mine.table, mine.id, mine.version)
    verdict = Verdict(status=Status.APPLIED, updated_at=at(11))
    assert settle(local, sent, verdict).mark is Mark.CONFLICT


def test_a_second_conflict_closes_the_first() -> None:
    mine, theirs = verse("mine", 10), verse("theirs", 20)
    outcome = receive(Local(mine, Pending("old"), edited=True, disputed=True), theirs)
    assert (outcome.mark, outcome.loser, outcome.moves_on) == (Mark.CONFLICT, mine, True)


def test_what_a_batch_left_behind_asks_nobody() -> None:
    """The conflict is with a row that the same batch goes on to replace."""
    row = verse("stands", 1_000)
    near = change("near", ms=1_500)
    (loser,) = judged([near], [row]).losers
    assert loser.resolution == "manual"
    (loser,) = judged([near, change("next", baseVersion=row.version)], [row]).losers
    assert (loser.resolution, loser.record.values["verse_text"]) == ("server_wins", "near")


@given(VERSES, VERSES | st.none(), st.integers(0, 9000))
def test_what_is_brought_back_is_later_than_what_stands(
    lost: Record, standing: Record | None, now: int
) -> None:
    edit = conflicts.brought_back(lost, standing, at(now))
    assert edit.updated_at >= at(now)
    assert standing is None or edit.updated_at > standing.updated_at
    assert edit.values["verse_text"] == lost.values["verse_text"]
    assert edit.deleted == lost.deleted
    assert edit.values["deleted_at"] in (None, edit.updated_at)


@pytest.mark.parametrize("resolution", ["local_wins", "server_wins"])
def test_what_was_decided_by_itself_stays_decided(resolution: str) -> None:
    loser = Loser(verse("lost"), "another", resolution, "reason")
    assert conflicts.as_left(loser, verse("stands")) == loser
    waiting = msgspec.structs.replace(loser, resolution="manual")
    assert conflicts.as_left(waiting, verse("stands")).resolution == "server_wins"
