from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import PackageRefused
from hotspot.model import instants
from hotspot.package.layout import PackageType
from hotspot.package.manifest import (
    SIZE_LIMIT,
    AudioFile,
    BibleStructure,
    ContentRange,
    Manifest,
    SeriesInfo,
    check_audio,
    check_type,
    parse_manifest,
)

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
UUIDS = st.uuids().map(str)
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
WHOLE = st.integers(0, 2**53 - 1)
AMOUNTS = st.floats(0, 1e14)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)

AUDIO_FILES = st.builds(
    AudioFile,
    file_name=st.from_regex(r"[^/\\\x00-\x1f\x7f.][^/\\\x00-\x1f\x7f]{0,20}", fullmatch=True),
    media_file_id=UUIDS,
    offset=WHOLE,
    size=WHOLE,
    sha256=HASHES,
    start_verse_id=IDS,
    end_verse_id=IDS,
    chapter_id=st.none() | IDS,
    book_id=st.none() | IDS,
    duration=AMOUNTS,
    format=IDS,
    bitrate=st.none() | AMOUNTS,
    sample_rate=st.none() | AMOUNTS,
    has_verse_timings=st.booleans(),
    verse_count=WHOLE,
)
SERIES = st.builds(
    SeriesInfo,
    series_id=IDS,
    series_name=NAMES,
    part_number=WHOLE,
    total_parts=WHOLE,
    chunking_strategy=IDS,
    dependencies=st.lists(IDS, max_size=3),
    is_complete=st.booleans(),
    estimated_series_size_mb=AMOUNTS,
    content_range=st.builds(ContentRange, start_book=IDS, end_book=IDS, description=NAMES),
)
MANIFESTS = st.builds(
    Manifest,
    package_id=IDS,
    package_version=st.lists(st.integers(0, 999).map(str), min_size=1, max_size=4).map(".".join),
    package_type=st.sampled_from([1, 2, 3, "audio", "text", "combined"]),
    created_at=st.integers(0, 2**41).map(instants.from_ms),
    created_by=st.none() | NAMES,
    language_entity_id=UUIDS,
    bible_version_id=IDS,
    audio_version_id=st.none() | UUIDS,
    text_version_id=st.none() | UUIDS,
    estimated_size_mb=AMOUNTS,
    total_files=WHOLE,
    audio_format=st.none() | IDS,
    includes_verse_timings=st.booleans(),
    includes_total_verses=WHOLE,
    includes_books=st.lists(IDS, max_size=3),
    min_app_version=NAMES,
    conflicts_with=st.lists(IDS, max_size=3),
    supersedes=st.none() | IDS,
    audio_file_index=st.lists(AUDIO_FILES, max_size=3),
    database_hash=HASHES,
    audio_data_hash=st.none() | HASHES,
    total_content_hash=HASHES,
    bible_structure=st.builds(
        BibleStructure,
        total_books=WHOLE,
        total_chapters=WHOLE,
        total_verses=WHOLE,
        testament=st.sampled_from([None, "old", "new", "both"]),
    ),
    series_info=st.none() | SERIES,
    sync_token=st.none() | NAMES,
)

UUID = "11111111-1111-4111-8111-111111111111"
PLAIN: dict[str, Any] = {
    "packageId": "eng-test",
    "packageVersion": "1.2",
    "packageType": 2,
    "createdAt": "2026-01-01T02:00:00+02:00",
    "languageEntityId": UUID,
    "bibleVersionId": "protestant",
    "textVersionId": UUID,
    "estimatedSizeMB": 1.5,
    "totalFiles": 0,
    "includesVerseTimings": False,
    "includesTotalVerses": 1,
    "includesBooks": ["gen"],
    "minAppVersion": "1.0.0",
    "conflictsWith": [],
    "databaseHash": "0" * 64,
    "totalContentHash": "0" * 64,
    "bibleStructure": {"totalBooks": 1, "totalChapters": 1, "totalVerses": 1},
}
FILE: dict[str, Any] = {
    "fileName": "gen-1.mp3",
    "mediaFileId": UUID,
    "offset": 0,
    "size": 10,
    "sha256": "0" * 64,
    "startVerseId": "gen-1-1",
    "endVerseId": "gen-1-31",
    "duration": 1.5,
    "format": "mp3",
    "hasVerseTimings": False,
    "verseCount": 0,
}


def parsed(**changes: Any) -> Manifest:
    return parse_manifest(msgspec.json.encode({**PLAIN, **changes}))


@given(MANIFESTS)
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    assert parse_manifest(msgspec.json.encode(manifest)) == manifest


def test_names_are_those_of_the_format() -> None:
    manifest = parsed(somethingNew=1)
    assert manifest.estimated_size_mb == 1.5
    assert manifest.created_at == "2026-01-01T00:00:00.000Z"
    written = msgspec.json.decode(msgspec.json.encode(manifest))
    assert written == {**PLAIN, "createdAt": "2026-01-01T00:00:00.000Z"}


@pytest.mark.parametrize(
    "change",
    [
        {"packageId": "../../etc/passwd"},
        {"packageId": "a/b"},
        {"packageId": "a" * 129},
        {"packageId": "eng\n"},
        {"packageId": ""},
        {"packageVersion": "1.x"},
        {"packageVersion": ""},
        {"createdAt": "yesterday"},
        {"createdAt": "0000-00-00T00:00:00Z"},
        {"languageEntityId": "english"},
        {"textVersionId": UUID + "\n"},
        {"databaseHash": "0" * 63},
        {"databaseHash": "A" * 64},
        {"estimatedSizeMB": -1},
        {"totalFiles": 2**70},
        {"includesBooks": [["gen"]]},
        {"bibleStructure": None},
        {"audioFileIndex": [{**FILE, "mediaFileId": "1"}]},
        {"audioFileIndex": [{**FILE, "offset": -1}]},
        {"audioFileIndex": [{**FILE, "size": 2**64}]},
        {"audioFileIndex": [{**FILE, "fileName": "../gen-1.mp3"}]},
        {"audioFileIndex": [{**FILE, "fileName": ".."}]},
        {"audioFileIndex": [{**FILE, "fileName": "gen\n.mp3"}]},
    ],
)
def test_a_field_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PackageRefused, match=r"^The package's manifest cannot be read: .*\.$"):
        parsed(**change)


@pytest.mark.parametrize("name", [name for name in PLAIN if name != "textVersionId"])
def test_a_field_that_is_missing_is_refused(name: str) -> None:
    lacking = {key: value for key, value in PLAIN.items() if key != name}
    with pytest.raises(PackageRefused, match=name):
        parse_manifest(msgspec.json.encode(lacking))


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(PackageRefused):
        parse_manifest(raw)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_json_is_refused(opening: bytes) -> None:
    with pytest.raises(PackageRefused, match="too deep"):
        parse_manifest(b'{"x":' + opening * 1_000_000)


def test_too_large_a_manifest_is_refused() -> None:
    with pytest.raises(PackageRefused, match="too large"):
        parse_manifest(b" " * (SIZE_LIMIT + 1))


@pytest.mark.parametrize(
    ("change", "package_type", "sentence"),
    [
        ({"packageType": 3}, PackageType.TEXT, "different types"),
        ({"packageType": "audio"}, PackageType.TEXT, "different types"),
        ({"textVersionId": None}, PackageType.TEXT, "lacks its text version"),
        ({"audioVersionId": UUID}, PackageType.TEXT, "names its audio version"),
        ({"audioFileIndex": [FILE]}, PackageType.TEXT, "names its audio files"),
        ({"packageType": 3, "audioVersionId": UUID}, PackageType.COMBINED, "lacks its audio files"),
        ({"packageType": 5}, PackageType.TEXT_PART, "whether it is a part"),
    ],
)
def test_a_manifest_of_another_type_is_refused(
    change: dict[str, Any], package_type: PackageType, sentence: str
) -> None:
    with pytest.raises(PackageRefused, match=sentence):
        check_type(parsed(**change), package_type)


def test_the_type_may_be_a_number_or_a_name() -> None:
    check_type(parsed(packageType=2), PackageType.TEXT)
    check_type(parsed(packageType="text"), PackageType.TEXT)


def listed(*places: tuple[int, int]) -> Manifest:
    files = [
        {**FILE, "mediaFileId": UUID[:-2] + f"{number:02}", "offset": offset, "size": size}
        for number, (offset, size) in enumerate(places)
    ]
    return parsed(audioFileIndex=files)


@pytest.mark.parametrize("places", [[(0, 10), (10, 90)], [(50, 50), (0, 40)], [(100, 0)], []])
def test_audio_files_apart_inside_the_section_stand(places: list[tuple[int, int]]) -> None:
    check_audio(listed(*places), 100)


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ([(0, 101)], "outside"),
        ([(100, 1)], "outside"),
        ([(2**53 - 1, 2**53 - 1)], "outside"),
        ([(0, 11), (10, 10)], "overlaps"),
        ([(0, 100), (20, 10)], "overlaps"),
    ],
)
def test_audio_files_elsewhere_are_refused(places: list[tuple[int, int]], sentence: str) -> None:
    with pytest.raises(PackageRefused, match=sentence):
        check_audio(listed(*places), 100)


def test_one_audio_file_listed_twice_is_refused() -> None:
    twice = parsed(audioFileIndex=[FILE, {**FILE, "offset": 10}])
    with pytest.raises(PackageRefused, match="twice"):
        check_audio(twice, 100)
