from typing import Any

import msgspec
import pytest

from hotspot.model.changes import parse_changes, scopes
from hotspot.model.edits import Sender
from hotspot.model.judging import AHEAD, Judgement, judge
from hotspot.model.merge import Status
from hotspot.model.records import Record
from hotspot.model.stores import Device
from hotspot.model.tables import Scope, ScopeKind
from hotspot.model.timeline import UNDATED_MS
from tests.model.builders import VERSION_ID, at, uuid, verse

KNOWN = {Scope(ScopeKind.TEXT, VERSION_ID)}


def encoded(changes: list[Any]) -> list[msgspec.Raw]:
    """JSON values as they come in an upload."""
    return [msgspec.Raw(msgspec.json.encode(change)) for change in changes]


def judged(changes: list[Any], rows: list[Record] | None = None, **sender: Any) -> Judgement:
    """Judges these changes (JSON values) an hour after the tests' morning."""
    given = {
        "device": Device(id=uuid(99), name="Ana's phone", role="editor"),
        "now": at(3_600_000),
        "mono_ms": 5_000,
        "boot_id": "boot",
    }
    parsed = parse_changes(encoded(changes))
    current = {row.key: row for row in rows or []}
    return judge(parsed, current, KNOWN & scopes(parsed), Sender(**{**given, **sender}))


def change(text: str = "new", *, number: int = 1, ms: int = 60_000, **more: Any) -> dict[str, Any]:
    return {
        "table": "verse_texts",
        "recordId": uuid(number),
        "record": {"verse_text": text},
        "localTimestamp": at(ms),
        **more,
    }


def test_a_partial_record_changes_what_it_names() -> None:
    row = verse("old")
    (accepted,) = judged([change("new", baseVersion=row.version)], [row]).accepted
    assert accepted.record.values == {**row.values, "verse_text": "new"}
    assert (accepted.record.updated_at, accepted.record.updated_by) == (at(60_000), uuid(99))
    assert accepted.replaced == row


def test_an_edit_travels_with_its_age_so_a_wrong_clock_cancels_out() -> None:
    year = 365 * 86_400_000
    one = judged([change(ms=year)], [verse("old")], sender_now=at(year + 1_000))
    assert one.accepted[0].record.updated_at == at(3_600_000 - 1_000)
    dating = one.accepted[0].provenance.dating
    assert dating is not None
    assert (dating.mono_ms, dating.age_ms, dating.sender_stamp) == (5_000, 1_000, at(year))


def test_the_stamps_of_a_sender_that_knows_the_time_stand_where_it_is_known() -> None:
    both = {"sender_now": at(3_600_000), "synchronized": True, "trusted": True}
    one = judged([change(ms=7_000)], [verse("old")], **both)
    assert one.accepted[0].record.updated_at == at(7_000)
    assert one.accepted[0].provenance.dating is None
    guessing = judged([change(ms=7_000)], [verse("old")], **{**both, "trusted": False})
    assert guessing.accepted[0].record.updated_at == at(7_000)
    assert guessing.accepted[0].provenance.dating is not None
    other_guess = {**both, "sender_now": at(7_500), "trusted": False}
    assert judged([change(ms=7_000)], [verse("old")], **other_guess).accepted[
        0
    ].record.updated_at == at(3_599_500)


def test_a_stamp_that_is_ahead_is_set_to_now_and_a_note_says_so() -> None:
    one = judged([change(ms=9_999_999)], [verse("old")], sender_now=at(99))
    (accepted,), (result,) = one.accepted, one.results
    assert accepted.record.updated_at == at(3_600_000)
    assert accepted.provenance.note == result.reason == AHEAD
    sound = judged([change(ms=99)], [verse("old")], sender_now=at(99))
    assert (sound.accepted[0].provenance.note, sound.results[0].reason) == ("", None)


def test_an_edit_of_unknown_age_keeps_its_own_stamp_for_later() -> None:
    one = judged([change()], [verse("old")])
    dating = one.accepted[0].provenance.dating
    assert dating is not None
    assert (dating.age_ms, dating.sender_stamp) == (None, at(60_000))


@pytest.mark.parametrize(
    ("given", "doubt_ms"),
    [
        ({}, 0),
        ({"precisionMs": 600_000}, 600_000),
        ({"undated": True}, UNDATED_MS),
        ({"precisionMs": -1}, 0),
        ({"precisionMs": 2**62}, UNDATED_MS),
    ],
)
def test_the_senders_doubt_about_a_stamp_is_kept(given: dict[str, Any], doubt_ms: int) -> None:
    row = verse("old")
    (accepted,) = judged([change(baseVersion=row.version, **given)], [row]).accepted
    assert accepted.record.doubt_ms == doubt_ms


def test_one_bad_change_holds_back_no_other() -> None:
    changes = [
        change("fine"),
        "not a change",
        {"recordId": uuid(2)},
        change(table="no_such_table"),
        change(table="text_versions", record={"name": "Mine"}),
        change(number=3, record={"verse_text": 7}),
        change(number=4, operation="DROP"),
        change(number=5, localTimestamp="tomorrow"),
        change("also fine", number=6),
    ]
    result = judged(changes, [verse("old"), verse("old", number=6)])
    expected = [Status.LOCAL_WINS, *[Status.REJECTED] * 7, Status.LOCAL_WINS]
    assert [one.status for one in result.results] == expected
    assert {one.record.values["verse_text"] for one in result.accepted} == {"fine", "also fine"}
    for one in result.results:
        assert one.status.stands or (one.reason and one.reason.endswith(".") and one.code)


def test_ids_scope_and_natural_key_stay() -> None:
    (result,) = judged([change(record={"verse_id": "john-3-2"})], [verse("old")]).results
    assert (result.status, result.code) == (Status.REJECTED, "forbidden")
    assert result.server_record == verse("old").to_wire()


def test_a_new_record_needs_a_version_that_is_known_here() -> None:
    whole = dict(verse("a", number=5).to_wire())
    (result,) = judged([change(number=5, record=whole)]).results
    assert result.status is Status.APPLIED
    (result,) = judged([change(number=5, record={**whole, "text_version_id": uuid(8)})]).results
    assert (result.status, result.code) == (Status.REJECTED, "unknown_scope")
    (result,) = judged([change(number=5, record={"verse_text": "a"})]).results
    assert (result.status, result.code) == (Status.REJECTED, "bad_record")


def test_a_deletion_is_stamped_where_it_ends_up() -> None:
    row = verse("old", 50_000)
    one = judged([change(operation="DELETE", record=None, ms=1, baseVersion=row.version)], [row])
    record = one.accepted[0].record
    assert record.values["deleted_at"] == record.updated_at == at(50_001)
    (result,) = judged([change(operation="DELETE", record=None)]).results
    assert (result.status, result.code) == (Status.REJECTED, "not_found")


def test_changes_of_one_batch_are_heard_in_order() -> None:
    row = verse("old")
    first = judged([change("one", baseVersion=row.version)], [row]).accepted[0].record
    result = judged(
        [change("one", baseVersion=row.version), change("two", baseVersion=first.version)], [row]
    )
    (accepted,) = result.accepted
    assert accepted.record.values["verse_text"] == "two"
    assert accepted.replaced == row
    assert [one.status for one in result.results] == [Status.APPLIED, Status.APPLIED]
    assert not result.losers


def test_the_version_that_lost_is_kept_and_shown() -> None:
    row = verse("theirs", 100_000)
    result = judged([change("mine", ms=60_000)], [row])
    (loser,) = result.losers
    assert (loser.record.values["verse_text"], loser.resolution) == ("mine", "server_wins")
    (conflict,) = result.conflicts
    assert conflict.server_record == row.to_wire()
    assert result.results[0].version == row.version


@pytest.mark.parametrize("role", ["reader", "guest"])
def test_who_may_only_read_changes_nothing(role: str) -> None:
    device = Device(id=uuid(98), name="Guest", role=role)
    (result,) = judged([change()], [verse("old")], device=device).results
    assert (result.status, result.code) == (Status.REJECTED, "forbidden")


def test_who_is_limited_to_versions_changes_no_others() -> None:
    """Also on the current version, also of what is new, and also by the same content."""
    other = Device(id=uuid(98), name="Ana", role="editor", scopes=frozenset({uuid(77)}))
    row = verse("old")
    asked = [change("new", baseVersion=row.version), change("old"), change(number=2)]
    asked[2]["record"] = {**verse("new", number=2).values}
    for one in judged(asked, [row], device=other).results:
        assert (one.status, one.code) == (Status.REJECTED, "forbidden")
        assert one.reason == "The device 'Ana' may change other versions only."
    own = msgspec.structs.replace(other, scopes=frozenset({uuid(77), VERSION_ID}))
    statuses = [one.status for one in judged(asked, [row], device=own).results]
    assert statuses == [Status.APPLIED, Status.MANUAL_REQUIRED, Status.APPLIED]


HOTSPOT = Device(id=uuid(97), name="Village box", role="hotspot")
OTHER = uuid(7)


def version_row(version_id: str, **more: Any) -> dict[str, Any]:
    return {
        "table": "text_versions",
        "recordId": version_id,
        "operation": "INSERT",
        "record": {"language_entity_id": uuid(3), "name": "A version"},
        "localTimestamp": at(1_000),
        **more,
    }


def test_a_hotspot_adds_a_version_and_what_belongs_to_it() -> None:
    text = dict(verse("a", number=5).to_wire()) | {"text_version_id": OTHER}
    changes = [version_row(OTHER), change(number=5, record=text)]
    result = judged(changes, device=HOTSPOT)
    assert [one.status for one in result.results] == [Status.APPLIED, Status.APPLIED]
    assert [one.record.id for one in result.accepted] == [OTHER, uuid(5)]
    for role in ("editor", "admin"):
        stranger = Device(id=uuid(96), name="Phone", role=role)
        codes = [one.code for one in judged(changes, device=stranger).results]
        assert codes == ["forbidden", "unknown_scope"]


@pytest.mark.parametrize("operation", ["INSERT", "UPDATE", "DELETE"])
def test_a_hotspot_never_changes_a_version_that_exists(operation: str) -> None:
    first = judged([version_row(OTHER)], device=HOTSPOT).accepted[0].record
    again = version_row(
        OTHER, record={"name": "Mine"}, operation=operation, baseVersion=first.version
    )
    result = judged([again], [first], device=HOTSPOT)
    assert [one.code for one in result.results] == ["forbidden"]
    assert not result.accepted
    twice = judged([version_row(OTHER), again], device=HOTSPOT)
    assert [one.code for one in twice.results] == [None, "forbidden"]


def test_what_is_only_to_be_added_changes_nothing_that_exists() -> None:
    row = verse("theirs")
    later = change("mine", ms=9_000_000, onlyNew=True, baseVersion=row.version)
    result = judged([later], [row])
    assert [one.code for one in result.results] == ["exists"]
    assert not (result.accepted or result.losers or result.conflicts)
    assert result.results[0].server_record == row.to_wire()
    whole = dict(verse("mine", number=5).to_wire())
    (added,) = judged([change(number=5, record=whole, onlyNew=True)], [row]).accepted
    assert added.record.values["verse_text"] == "mine"


def test_a_verse_under_another_id_is_no_way_round_what_exists() -> None:
    """It is the same verse of the same version: the record that holds it stands."""
    row = verse("theirs")
    other = dict(row.to_wire()) | {"id": uuid(55), "verse_text": "mine"}
    later = change(number=55, record=other, ms=9_000_000, onlyNew=True)
    result = judged([later], [row])
    assert [one.code for one in result.results] == ["exists"]
    assert result.results[0].canonical_id == row.id
    assert not (result.accepted or result.losers)
