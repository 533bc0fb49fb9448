import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hotspot.errors import BadRequest, PackageRefused
from hotspot.package.reader import open_package
from hotspot.package.verify import verify
from hotspot.package.writer import build
from tests.package.pieces import (
    AUDIO_ID,
    CREATED_AT,
    LANGUAGE_ID,
    TEXT_ID,
    VERSES,
    audio,
    combined,
    rows,
    sections,
    spec,
    staged,
    text,
)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    first, second = combined(tmp_path), combined(tmp_path / "elsewhere")
    assert first.read_bytes() == second.read_bytes()


def test_the_manifest_says_what_is_inside(tmp_path: Path) -> None:
    package = open_package(combined(tmp_path))
    manifest = package.manifest
    assert package.header.package_type.kind == "combined"
    assert manifest.package_type == 3
    assert manifest.created_at == CREATED_AT
    assert (manifest.text_version_id, manifest.audio_version_id) == (TEXT_ID, AUDIO_ID)
    assert manifest.language_entity_id == LANGUAGE_ID
    assert manifest.includes_books == ["jonah"]
    assert manifest.includes_verse_timings
    assert manifest.bible_structure.total_chapters == 2
    assert manifest.bible_structure.total_verses == manifest.includes_total_verses == 5
    assert manifest.bible_structure.testament == "old"
    assert manifest.audio_format == "mp3"
    first, second = manifest.audio_file_index
    assert (first.offset, first.size, second.offset, second.size) == (0, 500, 500, 600)
    assert (first.file_name, first.chapter_id, first.book_id) == ("jonah-1.mp3", "jonah-1", "jonah")
    assert package.audio_size == 1100


def test_audio_lies_in_the_package_as_it_was_given(tmp_path: Path) -> None:
    _, _, sound = sections(combined(tmp_path))
    assert sound == b"first" * 100 + b"second" * 100


def test_timings_refer_to_the_texts_that_are_there(tmp_path: Path) -> None:
    result = staged(combined(tmp_path), tmp_path / "staging.db")
    texts = {row["verse_id"]: row["id"] for row in rows(result.staging, "verse_texts")}
    timings = rows(result.staging, "media_files_verses")
    linked = {row["verse_id"]: row["verse_text_id"] for row in timings}
    assert linked == {"jonah-1-1": texts["jonah-1-1"], "jonah-2-1": None}
    files = {row["id"] for row in rows(result.staging, "media_files")}
    assert {row["media_file_id"] for row in timings} == files


def test_names_come_with_what_they_are_names_of(tmp_path: Path) -> None:
    result = staged(combined(tmp_path), tmp_path / "staging.db")
    (book,) = rows(result.staging, "books")
    assert (book["id"], book["name"], book["book_number"]) == ("jonah", "Jonah", 32)
    chapters = {row["id"]: row["total_verses"] for row in rows(result.staging, "chapters")}
    assert chapters == {"jonah-1": 17, "jonah-2": 17}
    (language,) = rows(result.staging, "language_entities")
    assert (language["id"], language["name"]) == (LANGUAGE_ID, "English")
    assert len(rows(result.staging, "verses")) == 5


def test_a_verse_keeps_its_id_from_version_to_version(tmp_path: Path) -> None:
    found = []
    for version, words in (("1.0", "first"), ("1.1", "second")):
        out = tmp_path / f"{version}.bible"
        changed = text([("jonah-1-1", words)])
        stamp = "2025-01-01T00:00:00Z"
        build(spec(text=changed, package_version=version, updated_at=stamp), out)
        result = staged(out, tmp_path / f"{version}.db")
        found += rows(result.staging, "verse_texts")
    assert found[0]["id"] == found[1]["id"]
    assert [row["verse_text"] for row in found] == ["first", "second"]
    assert {row["updated_at"] for row in found} == {"2025-01-01T00:00:00.000Z"}


def test_a_package_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.bible"
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, out.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    build(spec(text=text()), out)
    assert synced == [(".a.bible.part", False), (tmp_path.name, True)]


def failing() -> Iterator[tuple[str, str]]:
    yield VERSES[0]
    raise OSError("the disk is gone")


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out" / "a.bible"
    out.parent.mkdir()
    build(spec(text=text()), out)
    before = out.read_bytes()
    with pytest.raises(OSError, match="the disk is gone"):
        build(spec(text=replace(text(), verses=failing())), out)
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["a.bible"]


def test_a_spec_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="needs a text"):
        build(spec(), tmp_path / "a.bible")


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match=f"{name} is 'soon'"):
        build(spec(text=text(), **{name: "soon"}), tmp_path / "a.bible")


@pytest.mark.parametrize(
    ("verses", "sentence"),
    [
        ([("jonah-1", "no verse")], "not the id of a verse"),
        ([("jonah-1-1", "x" * 70_000)], "longer than"),
        ([*VERSES, VERSES[0]], "two rows with the same id"),
    ],
)
def test_content_that_no_hotspot_would_accept_is_refused(
    tmp_path: Path, verses: list[tuple[str, str]], sentence: str
) -> None:
    with pytest.raises(PackageRefused, match=sentence):
        build(spec(text=text(verses)), tmp_path / "a.bible")
    assert list(tmp_path.iterdir()) == []


def test_an_audio_package_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="lacks its audio files"):
        build(spec(audio=audio(tmp_path, sounds=())), tmp_path / "a.bible")


def test_an_audio_package_needs_no_text(tmp_path: Path) -> None:
    out = tmp_path / "a.bible"
    build(spec(audio=audio(tmp_path)), out)
    assert open_package(out).header.package_type.kind == "audio"
    assert asyncio.run(verify(out)).sound
    assert staged(out, tmp_path / "staging.db").rows["media_files"] == 2
