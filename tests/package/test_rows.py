from typing import Any

import pytest

from hotspot.errors import PackageRefused
from hotspot.model import records
from hotspot.model.digest import row_hash
from hotspot.model.tables import (
    CONTEXT_TABLES,
    MEDIA_FILES,
    MEDIA_FILES_VERSES,
    VERSE_TEXTS,
    ScopeKind,
)
from hotspot.package.rows import COLUMN_NAMES, Bounds, check_row
from tests.package.pieces import AUDIO_ID, LANGUAGE_ID, OTHER_ID, TEXT_ID

LATEST = "2026-01-01T00:00:00.000Z"
EARLIER = "2025-06-01T10:00:00.000Z"
BOUNDS = Bounds(LATEST, {ScopeKind.TEXT: TEXT_ID, ScopeKind.AUDIO: AUDIO_ID})
BOOKS = next(table for table in CONTEXT_TABLES if table.name == "books")

TEXT_ROW: dict[str, Any] = {
    "id": OTHER_ID,
    "verse_id": "john-3-16",
    "text_version_id": TEXT_ID,
    "verse_text": "For God so loved",
    "version": 1,
    "created_at": EARLIER,
    "updated_at": "2025-06-01 10:00:00+00",
}
FILE_ROW: dict[str, Any] = {
    "id": OTHER_ID,
    "language_entity_id": LANGUAGE_ID,
    "audio_version_id": AUDIO_ID,
    "is_bible_audio": 1,
    "duration_seconds": 3,
    "updated_at": EARLIER,
}
TIMING_ROW: dict[str, Any] = {
    "id": OTHER_ID,
    "media_file_id": LANGUAGE_ID,
    "verse_id": "john-3-16",
    "start_time_seconds": 0.5,
    "updated_at": EARLIER,
}
BOOK_ROW: dict[str, Any] = {"id": "john", "name": "John", "book_number": 43, "updated_at": EARLIER}
ROWS = {
    "verse_texts": (VERSE_TEXTS, TEXT_ROW),
    "media_files": (MEDIA_FILES, FILE_ROW),
    "media_files_verses": (MEDIA_FILES_VERSES, TIMING_ROW),
    "books": (BOOKS, BOOK_ROW),
}


def checked(name: str, /, **changes: Any) -> dict[str, Any]:
    table, row = ROWS[name]
    found = check_row(table, {**row, **changes}, BOUNDS)
    return {**dict(zip(COLUMN_NAMES[name], found.values, strict=True)), "hashes": found.hashes}


def test_a_row_comes_out_in_canonical_form() -> None:
    found = checked("verse_texts")
    assert found["updated_at"] == EARLIER
    assert found["publish_status"] is None
    record = records.build(
        VERSE_TEXTS, OTHER_ID, {name: found[name] for name in found if name != "hashes"}, EARLIER
    )
    assert found["hashes"] == (record.hash, row_hash(record.id, record.updated_at, record.hash))


def test_booleans_and_numbers_get_their_types() -> None:
    found = checked("media_files")
    assert found["is_bible_audio"] is True
    assert checked("media_files", is_bible_audio=0)["is_bible_audio"] is False
    assert type(found["duration_seconds"]) is float


def test_times_to_come_are_clamped() -> None:
    future = "2031-01-01T00:00:00.000Z"
    found = checked("verse_texts", created_at=future, updated_at=future, deleted_at=future)
    assert {found[name] for name in ("created_at", "updated_at", "deleted_at")} == {LATEST}
    assert found["hashes"] == checked("verse_texts", updated_at=LATEST, deleted_at=LATEST)["hashes"]
    assert checked("books", updated_at=future)["updated_at"] == LATEST


def test_a_row_that_names_no_version_belongs_to_the_packages() -> None:
    assert checked("media_files_verses")["denormalized_audio_version_id"] == AUDIO_ID


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("verse_texts", {"id": "1"}, "not a record id"),
        ("verse_texts", {"id": "../../../etc/passwd"}, "not a record id"),
        ("verse_texts", {"id": None}, "no id"),
        ("verse_texts", {"id": 7}, "no id"),
        ("verse_texts", {"verse_id": "john-3"}, "verse_id"),
        ("verse_texts", {"verse_id": "../john-3-16"}, "verse_id"),
        ("verse_texts", {"verse_id": "John-3-16"}, "verse_id"),
        ("verse_texts", {"verse_id": "john-3-1600"}, "verse_id"),
        ("verse_texts", {"verse_id": "john-3-16\n"}, "verse_id"),
        ("verse_texts", {"verse_text": b"bytes"}, "verse_text must be text"),
        ("verse_texts", {"verse_text": None}, "no verse_text"),
        ("verse_texts", {"verse_text": "x" * 70_000}, "verse_text is longer"),
        ("verse_texts", {"verse_text": "a\x00b"}, "verse_text has characters"),
        ("verse_texts", {"version": 1.5}, "version must be a whole number"),
        ("verse_texts", {"version": "1"}, "version must be a whole number"),
        ("verse_texts", {"version": 2**60}, "version must be a whole number"),
        ("verse_texts", {"updated_at": None}, "no updated_at"),
        ("verse_texts", {"updated_at": "soon"}, "updated_at must be a date"),
        ("verse_texts", {"updated_at": 1700000000}, "updated_at must be a date"),
        ("verse_texts", {"created_by": "me"}, "created_by must be a UUID"),
        ("verse_texts", {"text_version_id": OTHER_ID}, "another version"),
        ("media_files", {"audio_version_id": OTHER_ID}, "another version"),
        ("media_files", {"is_bible_audio": 2}, "is_bible_audio must be true or false"),
        ("media_files", {"is_bible_audio": "yes"}, "is_bible_audio must be true or false"),
        ("media_files", {"chapter_id": "john-3-16"}, "chapter_id"),
        ("media_files", {"start_verse_id": "start"}, "start_verse_id"),
        ("media_files_verses", {"start_time_seconds": float("inf")}, "must be a number"),
        ("media_files_verses", {"start_time_seconds": "0"}, "must be a number"),
        ("books", {"id": "a/../b"}, "id"),
        ("books", {"id": "x" * 129}, "id"),
        ("books", {"id": b"john"}, "id"),
        ("books", {"name": None}, "no name"),
        ("books", {"name": 5}, "name must be text"),
        ("books", {"book_number": "43"}, "book_number must be a whole number"),
        ("books", {"updated_at": None}, "no updated_at"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(
    name: str, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(PackageRefused, match=f"table {name} cannot be used: .*{sentence}"):
        checked(name, **change)


def test_a_kind_of_row_that_the_package_has_no_version_of_is_refused() -> None:
    bounds = Bounds(LATEST, {ScopeKind.TEXT: TEXT_ID, ScopeKind.AUDIO: None})
    with pytest.raises(PackageRefused, match="another version"):
        check_row(MEDIA_FILES, {**FILE_ROW, "audio_version_id": None}, bounds)
