import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotspot.model.merge import (
    Edit,
    Local,
    Mark,
    Pending,
    Sent,
    Status,
    Verdict,
    decide,
    receive,
    settle,
)
from hotspot.model.records import Record
from hotspot.model.timeline import ROUGH_MS, UNDATED_MS
from tests.model.builders import at, verse

TEXTS = st.sampled_from(["one", "two", "three"])
STAMPS = st.integers(0, 4000)
VERSES = st.builds(
    lambda text, ms, gone: verse(text, ms, deleted=gone), TEXTS, STAMPS, st.booleans()
)


def test_a_record_that_is_not_there_is_taken() -> None:
    assert decide(None, Edit(record=verse("a"))).status is Status.APPLIED


def test_the_same_content_is_a_duplicate_whatever_the_stamps() -> None:
    decision = decide(verse("a", 5000), Edit(record=verse("a", 1)))
    assert (decision.status, decision.record) == (Status.DUPLICATE, verse("a", 5000))


def test_an_edit_of_the_current_version_is_applied_whatever_the_clocks_say() -> None:
    current = verse("a", 5000)
    decision = decide(current, Edit(record=verse("b", 1), base_version=current.version))
    assert decision.status is Status.APPLIED
    assert decision.record == verse("b", 5001)
    assert decision.loser is None


def test_an_edit_of_the_same_content_under_its_former_stamp_is_applied() -> None:
    current = msgspec.structs.replace(verse("a", 5000), former=verse("a", 10).version)
    edit = Edit(record=verse("b", 9000), base_version=verse("a", 10).version)
    assert decide(current, edit).status is Status.APPLIED


def test_two_places_that_stamp_alike_do_not_pass_for_one_another() -> None:
    """Both made their version 1 ms after the same base: a stamp alone would be taken for a name."""
    theirs, ours = verse("theirs", 1), verse("ours", 1)
    edit = Edit(record=verse("built on ours", 60_000), base_version=ours.version)
    decision = decide(theirs, edit)
    assert decision.status is Status.LOCAL_WINS
    assert decision.loser == theirs


@pytest.mark.parametrize(
    ("ms", "status"),
    [
        (3999, Status.SERVER_WINS),
        (4000, Status.SERVER_WINS),
        (4001, Status.MANUAL_REQUIRED),
        (5000, Status.MANUAL_REQUIRED),
        (5999, Status.MANUAL_REQUIRED),
        (6000, Status.LOCAL_WINS),
    ],
)
def test_the_later_wins_unless_it_is_too_close_to_tell(ms: int, status: Status) -> None:
    decision = decide(verse("a", 5000), Edit(record=verse("b", ms)))
    assert decision.status is status
    winner = verse("b", ms) if status is Status.LOCAL_WINS else verse("a", 5000)
    loser = verse("a", 5000) if status is Status.LOCAL_WINS else verse("b", ms)
    assert (decision.record, decision.loser) == (winner, loser)


def test_an_edit_that_cannot_be_dated_asks_a_person() -> None:
    undated = replace(verse("b", 90_000), doubt_ms=UNDATED_MS)
    assert decide(verse("a"), Edit(record=undated)).status is Status.MANUAL_REQUIRED
    assert decide(undated, Edit(record=verse("a"))).status is Status.MANUAL_REQUIRED
    on_it = Edit(record=undated, base_version=verse("a").version)
    assert decide(verse("a"), on_it).status is Status.APPLIED


@pytest.mark.parametrize("doubtful", ["row", "edit"])
def test_an_edit_that_is_dated_roughly_wins_only_by_more_than_its_doubt(doubtful: str) -> None:
    def status(ms: int) -> Status:
        row, new = verse("a", ROUGH_MS), verse("b", ROUGH_MS + ms)
        doubts = (ROUGH_MS, 0) if doubtful == "row" else (0, ROUGH_MS)
        edit = Edit(record=replace(new, doubt_ms=doubts[1]))
        return decide(replace(row, doubt_ms=doubts[0]), edit).status

    assert status(ROUGH_MS - 1) is status(1 - ROUGH_MS) is Status.MANUAL_REQUIRED
    assert status(ROUGH_MS) is Status.LOCAL_WINS
    assert status(-ROUGH_MS) is Status.SERVER_WINS


def test_simple_clients_name_their_base_by_its_stamp() -> None:
    edit = Edit(record=verse("b", 1), base_updated_at=at(5000))
    assert decide(verse("a", 5000), edit).status is Status.APPLIED
    assert decide(verse("a", 9000), edit).status is Status.SERVER_WINS


@given(VERSES, VERSES, VERSES | st.none(), st.sampled_from([0, ROUGH_MS, UNDATED_MS]))
def test_no_text_is_lost_and_stamps_only_grow(
    current: Record, new: Record, base: Record | None, doubt_ms: int
) -> None:
    base_version = base.version if base else None
    edit = Edit(record=replace(new, doubt_ms=doubt_ms), base_version=base_version)
    decision = decide(current, edit)
    kept = {decision.record.values["verse_text"]}
    if decision.loser is not None:
        kept.add(decision.loser.values["verse_text"])
    known = base_version == current.version
    assert known or {current.values["verse_text"], new.values["verse_text"]} <= kept
    if decision.record.hash != current.hash:
        assert decision.record.updated_at > current.updated_at
    assert decision == decide(current, edit)


def test_a_row_that_was_not_edited_here_is_replaced_whatever_the_stamps() -> None:
    outcome = receive(Local(verse("a", 9000)), verse("b", 1))
    assert (outcome.record, outcome.mark, outcome.loser) == (verse("b", 1), None, None)


def test_an_edit_made_on_this_very_version_is_kept() -> None:
    base = verse("a", 1)
    local = Local(verse("b", 2), Pending(base.version), edited=True)
    assert receive(local, base).empty


def test_an_edit_that_wins_stays_pending_on_the_new_base() -> None:
    local = Local(verse("mine", 9000), Pending(verse("old").version), edited=True)
    outcome = receive(local, verse("theirs", 1))
    assert (outcome.record, outcome.mark) == (None, Mark.PENDING)
    assert outcome.base_version == verse("theirs", 1).version
    assert outcome.loser == verse("theirs", 1)


@pytest.mark.parametrize(("ms", "mark"), [(9000, Mark.SYNCED), (1500, Mark.CONFLICT)])
def test_an_edit_that_does_not_win_is_kept_as_a_loser(ms: int, mark: Mark) -> None:
    mine = verse("mine", 1000)
    local = Local(mine, Pending(verse("old").version), edited=True)
    outcome = receive(local, verse("theirs", ms))
    assert (outcome.record, outcome.mark) == (verse("theirs", ms), mark)
    assert outcome.loser == mine


def test_after_a_restore_what_is_newer_here_goes_up_again() -> None:
    local = Local(verse("mine", 9000), edited=True)
    outcome = receive(local, verse("from the backup", 1), comparing=True)
    assert (outcome.record, outcome.mark) == (None, Mark.PENDING)
    assert outcome.base_version == verse("from the backup", 1).version
    plain = receive(Local(verse("imported", 9000)), verse("theirs", 1), comparing=True)
    assert plain.record == verse("theirs", 1)


def _answer(status: Status, row: Record, *, server: bool = False) -> Verdict:
    return Verdict(
        status=status,
        updated_at=row.updated_at,
        version=row.version,
        server=row if server else None,
    )


def test_what_stands_takes_the_servers_stamp() -> None:
    mine = verse("mine", 10)
    local = Local(mine, Pending(None), edited=True)
    sent = Sent(mine.table, mine.id, mine.version)
    outcome = settle(local, sent, _answer(Status.APPLIED, verse("mine", 12)))
    assert (outcome.record, outcome.mark) == (verse("mine", 12), Mark.SYNCED)


def test_an_edit_that_was_dated_while_it_travelled_is_settled_too() -> None:
    sent = verse("mine", 10)
    mine = replace(verse("mine", 5_000), former=sent.version)
    local = Local(mine, Pending(None), edited=True)
    verdict = _answer(Status.APPLIED, verse("mine", 12))
    outcome = settle(local, Sent(sent.table, sent.id, sent.version), verdict)
    assert (outcome.record, outcome.mark) == (mine.stamped(at(12)), Mark.SYNCED)


def test_what_the_server_says_of_an_edit_that_stands_is_kept() -> None:
    mine = verse("mine", 10)
    local = Local(mine, Pending(None), edited=True)
    verdict = replace(_answer(Status.APPLIED, verse("mine", 12)), reason="It was ahead.")
    outcome = settle(local, Sent(mine.table, mine.id, mine.version), verdict)
    assert (outcome.mark, outcome.reason) == (Mark.SYNCED, "It was ahead.")


@pytest.mark.parametrize("status", [Status.APPLIED, Status.DUPLICATE, Status.LOCAL_WINS])
def test_an_edit_made_while_its_predecessor_was_in_flight_stays_pending(status: Status) -> None:
    sent, newer = verse("sent", 10), verse("newer", 20)
    local = Local(newer, Pending(verse("old").version), edited=True)
    verdict = _answer(status, verse("sent", 12))
    outcome = settle(local, Sent(sent.table, sent.id, sent.version), verdict)
    assert (outcome.record, outcome.mark) == (None, Mark.PENDING)
    assert outcome.base_version == verse("sent", 12).version


@pytest.mark.parametrize(
    ("status", "mark"),
    [(Status.SERVER_WINS, Mark.SYNCED), (Status.MANUAL_REQUIRED, Mark.CONFLICT)],
)
def test_what_lost_up_there_is_kept_here(status: Status, mark: Mark) -> None:
    mine = verse("mine", 10)
    local = Local(mine, Pending(None), edited=True)
    verdict = _answer(status, verse("theirs", 12), server=True)
    outcome = settle(local, Sent(mine.table, mine.id, mine.version), verdict)
    assert (outcome.record, outcome.mark, outcome.loser) == (verse("theirs", 12), mark, mine)


def test_an_edit_that_is_rejected_without_a_row_is_kept_for_a_person() -> None:
    """A row that comes down later replaces it here; then this is the only copy."""
    mine = verse("mine", 10)
    local = Local(mine, Pending(None), edited=True)
    verdict = Verdict(status=Status.REJECTED, reason="The record has no verse.")
    outcome = settle(local, Sent(mine.table, mine.id, mine.version), verdict)
    assert (outcome.record, outcome.mark, outcome.loser) == (None, Mark.CONFLICT, mine)
    assert (outcome.resolution, outcome.reason) == ("manual", "The record has no verse.")


def test_an_edit_of_a_version_unknown_up_there_waits() -> None:
    mine = verse("mine", 10)
    local = Local(mine, Pending("base"), edited=True)
    verdict = Verdict(status=Status.REJECTED, waits=True, reason="Not known.")
    outcome = settle(local, Sent(mine.table, mine.id, mine.version), verdict)
    assert (outcome.mark, outcome.base_version) == (Mark.PENDING, "base")
    assert outcome.reason == "Not known."
