import struct
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model import records
from hotspot.model.tables import BY_NAME, MEDIA_FILES, VERSE_TEXTS
from tests.model.builders import VERSION_ID, at, uuid, verse


def test_the_hash_is_what_its_contract_says() -> None:
    values: records.Values = {column.name: None for column in MEDIA_FILES.content}
    values |= {"file_size": 12, "duration_seconds": 1.5, "is_bible_audio": True, "file_type": "é"}
    texts = {
        "file_size": "2:12",
        "duration_seconds": "16:" + struct.pack(">d", 1.5).hex(),
        "is_bible_audio": "1:t",
        "file_type": "1:é",
    }
    written = "".join(texts.get(column.name, "-") for column in MEDIA_FILES.content)
    assert records.content_hash(MEDIA_FILES, values) == sha256(written.encode()).hexdigest()[:16]


@given(st.lists(st.text(max_size=4) | st.none(), min_size=2, max_size=2))
def test_where_one_column_ends_shows_in_the_hash(texts: list[str | None]) -> None:
    one = verse("x").values | {"verse_text": texts[0], "publish_status": texts[1]}
    other = verse("x").values | {"verse_text": texts[1], "publish_status": texts[0]}
    same = records.content_hash(VERSE_TEXTS, one) == records.content_hash(VERSE_TEXTS, other)
    assert same == (texts[0] == texts[1])


def test_the_version_names_stamp_and_content() -> None:
    assert verse("a", 1).version != verse("b", 1).version
    assert verse("a", 1).version != verse("a", 2).version
    assert verse("a", 1).version == verse("a", 1).version


def test_a_deleted_record_was_deleted_at_its_stamp() -> None:
    moved = verse("a", 1, deleted=True).stamped(at(5))
    assert moved.values["deleted_at"] == moved.updated_at == at(5)
    assert moved.hash == verse("a", 5, deleted=True).hash


def test_the_wire_gives_back_the_same_record() -> None:
    for record in (verse("a", 1), verse("א", 2, deleted=True)):
        assert records.from_wire(VERSE_TEXTS, record.id, record.to_wire()) == record


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"verse_text": 5}, "verse_text must be text"),
        ({"verse_text": "a\x00b"}, "no text may have"),
        ({"verse_text": "a\ud800b"}, "no text may have"),
        ({"verse_text": "x" * 70_000}, "longer than"),
        ({"verse_id": "x" * 201}, "verse_id is longer than 200"),
        ({"text_version_id": "../../etc"}, "must be a UUID"),
        ({"text_version_id": VERSION_ID.upper()}, "must be a UUID"),
        ({"version": True}, "whole number"),
        ({"version": 1.5}, "whole number"),
        ({"version": 2**60}, "whole number"),
        ({"deleted_at": "soon"}, "date and time"),
        ({"seq": 1}, "no column 'seq'"),
        ({"id": uuid(2)}, "differs from the recordId"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        records.parse(VERSE_TEXTS, uuid(1), raw)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300, "1", True])
def test_reals_are_numbers(number: object) -> None:
    with pytest.raises(ValueError, match="duration_seconds must be a number"):
        records.parse(MEDIA_FILES, uuid(1), {"duration_seconds": number})


def test_columns_of_the_replica_itself_are_passed_over() -> None:
    fields = records.parse(VERSE_TEXTS, uuid(1), {"sync_status": "dirty", "verse_text": "a"})
    assert fields == {"verse_text": "a"}


def test_a_newer_servers_columns_are_passed_over_on_the_way_down() -> None:
    raw = verse("a").to_wire() | {"from_the_future": 1}
    assert records.from_wire(VERSE_TEXTS, uuid(1), raw) == verse("a")


def test_required_columns_are_required() -> None:
    for table in BY_NAME.values():
        with pytest.raises(ValueError, match="has no"):
            records.build(table, uuid(1), {}, at(0))
