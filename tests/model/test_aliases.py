"""One live row per natural key: what a server makes of a second id, and what a client does."""

from typing import Any

import pytest

from hotspot.errors import UpstreamRefused
from hotspot.model.aliases import Alias, NaturalKey, apart, natural_key, rekey, renamed
from hotspot.model.batches import verdicts
from hotspot.model.changes import natural_keys, parse_changes, referred
from hotspot.model.edits import Sender
from hotspot.model.judging import Judgement, judge
from hotspot.model.merge import Local, Mark, Outcome, Pending, Status
from hotspot.model.records import Key, Record, content_hash
from hotspot.model.stores import Device
from hotspot.model.tables import MEDIA_FILES_VERSES, Scope, ScopeKind
from hotspot.model.wire import Result, UploadResponse
from tests.model.builders import VERSION_ID, at, uuid, verse
from tests.model.test_judging import change, encoded

AUDIO_ID = uuid(98)
KNOWN = {Scope(ScopeKind.TEXT, VERSION_ID), Scope(ScopeKind.AUDIO, AUDIO_ID)}
OLD, NEW = Key("verse_texts", uuid(7)), Key("verse_texts", uuid(1))
ALIAS = Alias("verse_texts", OLD.id, NEW.id)


def other(text: str, ms: int = 0, *, deleted: bool = False) -> Record:
    """The verse of `verse`, under another id."""
    return renamed(verse(text, ms, deleted=deleted), OLD.id)


def judged(
    changes: list[dict[str, Any]],
    *rows: Record,
    aliases: dict[Key, Key] | None = None,
    role: str = "editor",
) -> Judgement:
    sender = Sender(
        device=Device(id=uuid(99), name="Ana's phone", role=role),
        now=at(3_600_000),
        mono_ms=0,
        boot_id="boot",
    )
    parsed = parse_changes(encoded(changes))
    return judge(parsed, {row.key: row for row in rows}, KNOWN, sender, aliases or {})


def whole(record: Record, ms: int, **more: Any) -> dict[str, Any]:
    """The upload of a whole record."""
    return change(record=dict(record.to_wire()), ms=ms, recordId=record.id, **more)


@pytest.mark.parametrize(
    ("ms", "status", "text"),
    [
        (60_000, Status.LOCAL_WINS, "mine"),
        (-60_000, Status.SERVER_WINS, "theirs"),
        (300, Status.MANUAL_REQUIRED, "theirs"),
    ],
)
def test_a_new_record_of_a_key_that_is_taken_is_judged_against_its_holder(
    ms: int, status: Status, text: str
) -> None:
    row = verse("theirs")
    judgement = judged([whole(other("mine"), ms)], row)
    (result,) = judgement.results
    assert (result.record_id, result.status, result.canonical_id) == (OLD.id, status, NEW.id)
    assert result.server_record is not None
    assert (result.server_record["id"], result.server_record["verse_text"]) == (NEW.id, text)
    assert judgement.aliases == [ALIAS]
    assert [one.record.key for one in judgement.accepted] == [NEW] * (text == "mine")
    (loser,) = judgement.losers
    assert loser.record.key == NEW
    assert {loser.record.values["verse_text"], text} == {"mine", "theirs"}


def test_the_same_text_under_another_id_is_a_duplicate() -> None:
    judgement = judged([whole(other("same"), 60_000)], verse("same"))
    (result,) = judgement.results
    assert (result.status, result.canonical_id) == (Status.DUPLICATE, NEW.id)
    assert (judgement.accepted, judgement.losers) == ([], [])


def test_a_new_record_made_on_the_holders_version_is_applied() -> None:
    row = verse("theirs", 100_000)
    judgement = judged([whole(other("mine"), 1, baseVersion=row.version)], row)
    assert judgement.results[0].status is Status.APPLIED
    assert not judgement.losers


def test_an_alias_is_redirected_also_where_the_change_names_one_column() -> None:
    row = verse("theirs")
    part = change("mine", recordId=OLD.id, baseVersion=row.version)
    judgement = judged([part], row, aliases={OLD: NEW})
    (result,) = judgement.results
    assert (result.status, result.canonical_id) == (Status.APPLIED, NEW.id)
    (accepted,) = judgement.accepted
    assert accepted.record.values == {**row.values, "verse_text": "mine"}
    assert judgement.aliases == [], "it is known already"


def test_a_refused_change_of_an_alias_says_which_record_stands() -> None:
    bad = change(recordId=OLD.id, record={"verse_id": "john-3-2"})
    (result,) = judged([bad], verse("theirs"), aliases={OLD: NEW}).results
    assert (result.status, result.canonical_id) == (Status.REJECTED, NEW.id)


def test_two_new_records_of_one_key_in_a_batch_become_one() -> None:
    changes = [
        whole(verse("first"), 60_000),
        whole(other("second"), 70_000),
        change("third", ms=80_000, recordId=OLD.id),
    ]
    judgement = judged(changes)
    assert [one.canonical_id for one in judgement.results] == [None, NEW.id, NEW.id]
    (accepted,) = judgement.accepted
    assert (accepted.record.key, accepted.replaced) == (NEW, None)
    assert accepted.record.values["verse_text"] == "third"
    assert judgement.aliases == [ALIAS]


def test_a_deleted_row_frees_its_key() -> None:
    row = verse("theirs")
    gone = change(operation="DELETE", record=None, ms=1, baseVersion=row.version)
    judgement = judged([gone, whole(other("mine"), 60_000)], row)
    assert [one.status for one in judgement.results] == [Status.APPLIED, Status.APPLIED]
    assert [one.record.key for one in judgement.accepted] == [NEW, OLD]
    assert judgement.aliases == []


def test_a_deleted_row_whose_key_was_taken_comes_back_as_an_edit_of_the_holder() -> None:
    gone, row = other("old", 5, deleted=True), verse("theirs", 10)
    back = change("back", record={"deleted_at": None}, ms=60_000, recordId=OLD.id)
    judgement = judged([{**back, "baseVersion": gone.version}], gone, row)
    (result,) = judgement.results
    assert (result.status, result.canonical_id) == (Status.LOCAL_WINS, NEW.id)
    (accepted,) = judgement.accepted
    assert (accepted.record.key, accepted.record.values["verse_text"]) == (NEW, "old")
    assert judgement.aliases == [ALIAS]
    assert judgement.losers[0].record == row


def test_what_may_only_be_added_leaves_the_holder_alone_and_names_it() -> None:
    judgement = judged([whole(other("mine"), 60_000, onlyNew=True)], verse("theirs"))
    (result,) = judgement.results
    assert (result.status, result.code, result.canonical_id) == ("rejected", "exists", NEW.id)
    assert (judgement.accepted, judgement.aliases) == ([], [ALIAS])


def test_references_to_aliases_are_led_to_what_they_name() -> None:
    """Also to one that became an alias in the same batch; the sender is told."""
    row = verse("theirs")
    pointing = {
        "media_file_id": uuid(31),
        "verse_id": "john-3-1",
        "start_time_seconds": 0.5,
        "denormalized_audio_version_id": AUDIO_ID,
        "verse_text_id": OLD.id,
    }
    timing = {
        "table": "media_files_verses",
        "recordId": uuid(30),
        "record": pointing,
        "onlyNew": True,
    }
    fine = {**timing, "recordId": uuid(32), "record": {**pointing, "media_file_id": uuid(33)}}
    fine["record"] = {**fine["record"], "verse_text_id": NEW.id}
    assert referred(parse_changes(encoded([timing, fine]))) == {OLD, NEW}
    for judgement in (
        judged([timing, fine], row, aliases={OLD: NEW}, role="hotspot"),
        judged([whole(other("mine"), 1), timing, fine], row, role="hotspot"),
    ):
        led, exact = judgement.results[-2:]
        assert led.server_record is not None
        assert (led.status, led.server_record["verse_text_id"]) == ("applied", NEW.id)
        assert (exact.status, exact.server_record) == ("applied", None)
        stored = [one.record for one in judgement.accepted]
        assert {one.values["verse_text_id"] for one in stored} == {NEW.id}
        for record in stored:
            assert record.hash == content_hash(MEDIA_FILES_VERSES, record.values)


def test_a_live_row_is_no_alias() -> None:
    mine, row = other("mine"), verse("theirs", number=2)
    edit = change("edited", recordId=OLD.id, baseVersion=mine.version)
    judgement = judged([edit], mine, row, aliases={OLD: row.key})
    assert judgement.results[0].canonical_id is None
    assert judgement.accepted[0].record.key == OLD


def test_the_natural_keys_to_look_up_are_those_of_new_and_of_deleted_records() -> None:
    changes = [whole(verse("new"), 0), change(number=2), change(number=3), change(number=4)]
    rows = [verse("live", number=2), verse("gone", number=3, deleted=True)]
    found = natural_keys(parse_changes(encoded(changes)), {row.key: row for row in rows})
    assert found == {
        NaturalKey("verse_texts", (f"john-3-{number}", VERSION_ID)) for number in (1, 3)
    }
    assert natural_key(rows[1]) in found


def test_no_id_stands_twice_among_aliases_that_are_written_together() -> None:
    one, two, three = (Alias("verse_texts", f"{n}", f"{n + 1}") for n in range(3))
    same, far = Alias("verse_texts", "9", "1"), Alias("verse_texts", "7", "8")
    assert apart([one, two, three, same, far]) == ([one, far], [two, three, same])


def test_an_answer_that_renames_to_nonsense_is_refused() -> None:
    result = Result(
        table="verse_texts", record_id=OLD.id, status=Status.APPLIED, canonical_id="../etc"
    )
    answer = UploadResponse(
        success=True, applied=1, rejected=0, conflicts=[], results=[result], server_timestamp=at(0)
    )
    with pytest.raises(UpstreamRefused, match="renamed"):
        verdicts(answer)


NOBODY = Local(None)


def moved(old: Local, held: Local) -> list[Outcome]:
    return rekey(old, held, ALIAS, at(9_000))


def test_the_row_of_the_old_id_ends_for_those_who_follow() -> None:
    *_, ended = moved(Local(other("copy", 5)), NOBODY)
    assert ended.record is not None
    assert (ended.id, ended.record.values["deleted_at"]) == (OLD.id, at(9_000))
    assert ended.record.values["verse_text"] == "copy"
    assert ended.mark is None
    *_, ended = moved(Local(other("ahead of the clock", 10_000)), NOBODY)
    assert ended.record is not None
    assert ended.record.updated_at == at(10_001)


def test_a_copy_stands_under_the_new_id_until_the_servers_row_comes() -> None:
    copy, _ = moved(Local(other("copy", 5)), NOBODY)
    assert copy == Outcome(table=NEW.table, id=NEW.id, record=verse("copy", 5))


def test_a_copy_gives_way_to_the_row_that_is_here() -> None:
    (ended,) = moved(Local(other("copy")), Local(verse("theirs", deleted=True)))
    assert ended.id == OLD.id


def test_an_edit_that_waits_moves_with_its_base() -> None:
    waiting, _ = moved(Local(other("mine", 5), Pending("base"), edited=True), NOBODY)
    assert waiting.record == verse("mine", 5)
    assert (waiting.mark, waiting.base_version) == (Mark.PENDING, "base")


@pytest.mark.parametrize(("ms", "text"), [(60_000, "mine"), (1_000, "theirs")])
def test_an_edit_that_waits_competes_with_the_row_that_is_here(ms: int, text: str) -> None:
    theirs = verse("theirs", 30_000, deleted=True)
    outcome, _ = moved(Local(other("mine", ms), Pending("base"), edited=True), Local(theirs))
    assert outcome.record is not None
    assert outcome.record.values["verse_text"] == text
    assert outcome.loser is not None
    assert {outcome.loser.values["verse_text"], text} == {"mine", "theirs"}
    expected = (Mark.PENDING, theirs.version) if text == "mine" else (Mark.SYNCED, None)
    assert (outcome.mark, outcome.base_version) == expected


def test_an_edit_made_on_the_row_that_is_here_waits_on_it() -> None:
    theirs = verse("theirs", 30_000, deleted=True)
    mine = Local(other("mine", 1), Pending(theirs.version), edited=True)
    outcome, _ = moved(mine, Local(theirs))
    assert (outcome.mark, outcome.base_version) == (Mark.PENDING, theirs.version)
    assert (outcome.record, outcome.loser) == (verse("mine", 1), None)


@pytest.mark.parametrize("deleted", [True, False])
def test_of_two_edits_that_wait_the_live_one_is_the_later(deleted: bool) -> None:
    """Whatever the stamps: the key was taken after the other had let it go."""
    mine = other("mine", 5, deleted=deleted)
    held = verse("held", 60, deleted=not deleted)
    outcome = moved(
        Local(mine, Pending("old base"), edited=True), Local(held, Pending("base"), edited=True)
    )[0]
    assert outcome.record == (held if deleted else verse("mine", 5))
    assert outcome.loser == (verse("mine", 5, deleted=True) if deleted else held)
    assert (outcome.mark, outcome.base_version) == (Mark.PENDING, "base")


def test_what_is_deleted_already_only_changes_its_name() -> None:
    assert moved(Local(other("gone", deleted=True)), NOBODY) == []
    assert moved(NOBODY, Local(verse("theirs"))) == []
