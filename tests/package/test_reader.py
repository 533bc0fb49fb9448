import os
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import PackageRefused
from hotspot.package import layout
from hotspot.package.layout import HEADER_SIZE, Header, PackageType
from hotspot.package.reader import open_package
from tests.package.pieces import AUDIO_ID, combined, compose, sections, text_only
from tests.package.test_manifest import FILE, PLAIN, UUID


@given(
    database=st.binary(min_size=1, max_size=300),
    sounds=st.lists(st.binary(max_size=50), min_size=1, max_size=4),
)
def test_sections_are_found_where_they_were_put(
    tmp_path_factory: pytest.TempPathFactory, database: bytes, sounds: list[bytes]
) -> None:
    offsets = [sum(map(len, sounds[:number])) for number in range(len(sounds))]
    index = [
        {**FILE, "mediaFileId": UUID[:-2] + f"{number:02}", "offset": offset, "size": len(sound)}
        for number, (offset, sound) in enumerate(zip(offsets, sounds, strict=True))
    ]
    manifest = {**PLAIN, "packageType": 3, "audioVersionId": AUDIO_ID, "audioFileIndex": index}
    path = tmp_path_factory.getbasetemp() / "sections.bible"
    compose(path, manifest, database, b"".join(sounds), PackageType.COMBINED)

    package = open_package(path)

    raw = path.read_bytes()
    assert package.size == len(raw)
    assert package.manifest_bytes == msgspec.json.encode(manifest)
    assert raw[package.database_offset :][: package.database_size] == database
    assert raw[package.audio_offset :][: package.audio_size] == b"".join(sounds)
    for entry, sound in zip(package.manifest.audio_file_index, sounds, strict=True):
        assert raw[package.audio_offset + entry.offset :][: entry.size] == sound


def test_a_file_cut_off_at_any_boundary_is_refused(tmp_path: Path) -> None:
    whole = combined(tmp_path)
    package, raw = open_package(whole), whole.read_bytes()
    boundaries = [0, 8, HEADER_SIZE, package.database_offset, package.audio_offset, package.size]
    cuts = {cut + shift for cut in boundaries for shift in (-1, 0, 1)} - {-1, package.size}
    for cut in sorted(cut for cut in cuts if cut < package.size):
        whole.write_bytes(raw[:cut])
        with pytest.raises(PackageRefused, match=r"cut off|not a \.bible package"):
            open_package(whole)
    assert all(earlier < later for earlier, later in pairwise(boundaries))


def test_a_file_with_more_than_its_sections_is_refused(tmp_path: Path) -> None:
    path = text_only(tmp_path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(PackageRefused, match="1 bytes more"):
        open_package(path)


@pytest.mark.parametrize(
    ("manifest", "database", "audio"),
    [(2**32 - 1, 1, 0), (10, 2**64 - 1, 0), (10, 100, 2**64 - 1), (0, 0, 0)],
)
def test_a_header_that_lies_about_sizes_is_refused(
    tmp_path: Path, manifest: int, database: int, audio: int
) -> None:
    path = text_only(tmp_path)
    header = Header(PackageType.TEXT, manifest, database, audio, bytes(32))
    path.write_bytes(layout.pack(header) + path.read_bytes()[HEADER_SIZE:])
    with pytest.raises(PackageRefused):
        open_package(path)


def test_audio_in_a_text_package_is_refused(tmp_path: Path) -> None:
    path = text_only(tmp_path)
    manifest, database, _ = sections(path)
    with pytest.raises(PackageRefused, match="text only, but holds audio"):
        open_package(compose(path, manifest, database, b"sound"))


def test_a_package_without_database_is_refused(tmp_path: Path) -> None:
    path = compose(tmp_path / "a.bible", PLAIN, b"")
    with pytest.raises(PackageRefused, match="no database"):
        open_package(path)


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.bible")
    for path in (tmp_path, tmp_path / "pipe.bible"):
        with pytest.raises(PackageRefused, match="not a file"):
            open_package(path)


@given(st.binary(max_size=400))
def test_other_files_are_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "other.bible"
    for content in (raw, layout.MAGIC + raw):
        path.write_bytes(content)
        with pytest.raises(PackageRefused):
            open_package(path)
