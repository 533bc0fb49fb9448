import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from hotspot.errors import PackageRefused
from hotspot.package.layout import HEADER_SIZE, PackageType
from hotspot.package.reader import open_package
from hotspot.package.verify import Report, verify
from tests.package.pieces import combined, compose, sections, text_only, with_manifest


def report(path: Path) -> Report:
    return asyncio.run(verify(path))


def flipped(path: Path, offset: int) -> Path:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1
    path.write_bytes(raw)
    return path


def test_a_whole_package_is_sound(tmp_path: Path) -> None:
    for package in (combined(tmp_path), text_only(tmp_path)):
        found = report(package)
        assert found.sound
        assert found.content_sound
        assert found.database_sound
        assert found.problems == []
        assert found.sentence == "The package is sound."


def test_a_changed_byte_of_the_header_never_passes(tmp_path: Path) -> None:
    package = combined(tmp_path)
    raw = package.read_bytes()
    for offset in range(HEADER_SIZE):
        flipped(package, offset)
        with suppress(PackageRefused):
            assert not report(package).sound
        package.write_bytes(raw)


def test_a_changed_byte_of_the_manifest_never_passes(tmp_path: Path) -> None:
    package = text_only(tmp_path)
    raw = package.read_bytes()
    for offset in range(HEADER_SIZE, open_package(package).database_offset, 7):
        flipped(package, offset)
        with suppress(PackageRefused):
            found = report(package)
            assert not found.sound
            assert not found.content_sound
        package.write_bytes(raw)


def test_damage_to_the_database_is_told_apart(tmp_path: Path) -> None:
    package = combined(tmp_path)
    found = report(flipped(package, open_package(package).database_offset + 5000))
    assert not found.content_sound
    assert not found.database_sound
    assert found.damaged_audio == []
    assert found.problems == ["The database is damaged."]


@pytest.mark.parametrize("number", [0, 1])
def test_damage_to_an_audio_file_names_it(tmp_path: Path, number: int) -> None:
    package = combined(tmp_path)
    opened = open_package(package)
    entry = opened.manifest.audio_file_index[number]
    found = report(flipped(package, opened.audio_offset + entry.offset + entry.size - 1))
    assert found.database_sound
    assert [one.media_file_id for one in found.damaged_audio] == [entry.media_file_id]
    assert found.problems == [f"The audio file 'jonah-{number + 1}.mp3' is damaged."]
    assert found.sentence.endswith("Copy the package to the stick again.")


def test_damage_between_audio_files_is_noticed(tmp_path: Path) -> None:
    manifest, database, sound = sections(combined(tmp_path))
    second = manifest["audioFileIndex"][1]
    second["offset"] += 10
    spaced = sound[:500] + bytes(10) + sound[500:]
    del manifest["audioDataHash"]
    package = compose(tmp_path / "a.bible", manifest, database, spaced, PackageType.COMBINED)
    assert report(package).content_sound
    found = report(flipped(package, open_package(package).audio_offset + 505))
    assert found.damaged_audio == []
    assert not found.content_sound
    assert not found.sound


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"databaseHash": "0" * 64}, "The database is damaged."),
        ({"audioDataHash": "0" * 64}, "The audio section is not the one that the manifest names."),
        ({"totalContentHash": "0" * 64}, "Database and audio together are not"),
    ],
)
def test_a_manifest_that_lies_about_hashes_is_found_out(
    tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    found = report(with_manifest(combined(tmp_path), **change))
    assert found.content_sound
    assert not found.sound
    assert found.problems[0].startswith(sentence)
