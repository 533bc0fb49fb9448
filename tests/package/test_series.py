from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from hotspot.cli import main
from hotspot.errors import BadRequest, PackageRefused
from hotspot.package.layout import PackageType
from hotspot.package.manifest import MOST_PARTS
from hotspot.package.reader import open_package
from hotspot.package.series import BY_SIZE, BY_TESTAMENT, split
from hotspot.package.writer import build
from tests.package.pieces import audio, rows, sections, spec, staged, text, with_manifest

VERSES = [("gen-1-1", "In"), ("mal-1-1", "The burden"), ("matt-1-1", "The book"), ("rev-1-1", "A")]
JONAH = ("jonah-1-1", "Now")


def shown(parts: list[Any]) -> list[list[str]]:
    return [[verse_id for verse_id, _ in part.text.verses] for part in parts]


def test_one_part_for_each_testament() -> None:
    parts = split(spec(text=text(VERSES)))
    assert shown(parts) == [["gen-1-1", "mal-1-1"], ["matt-1-1", "rev-1-1"]]
    assert [part.package_id for part in parts] == ["test-package-part1", "test-package-part2"]
    assert {part.text.id for part in parts if part.text} == {text().id}
    old, new = (part.series for part in parts)
    assert old is not None and new is not None
    assert (old.part_number, old.total_parts, old.series_id) == (1, 2, "test-package")
    assert (old.chunking_strategy, old.content_range.description) == (
        BY_TESTAMENT,
        "Genesis to Malachi",
    )
    assert (new.content_range.start_book, new.content_range.end_book) == ("matt", "rev")


def test_parts_of_a_size_never_divide_a_book() -> None:
    verses = [(f"{book}-1-{n}", "x" * 720) for book in ("gen", "exod", "lev") for n in (1, 2)]
    parts = split(spec(text=text(verses)), 4000)
    assert [len(ids) for ids in shown(parts)] == [4, 2]
    assert [len(ids) for ids in shown(split(spec(text=text(verses)), 100))] == [2, 2, 2]
    assert parts[0].series is not None and parts[0].series.chunking_strategy == BY_SIZE


def test_what_fits_in_one_part_is_no_series() -> None:
    (whole,) = split(spec(text=text([JONAH])))
    assert (whole.series, whole.package_id) == (None, "test-package")
    assert shown([whole]) == [["jonah-1-1"]]


def test_text_and_audio_of_a_book_stay_together(tmp_path: Path) -> None:
    parts = split(spec(text=text([*VERSES, JONAH]), audio=audio(tmp_path)))
    assert [part.package_type for part in parts] == [PackageType.COMBINED_PART, PackageType(5)]
    (alone,) = [part.package_type for part in split(spec(audio=audio(tmp_path)))]
    assert alone is PackageType.AUDIO


def test_a_part_is_a_package(tmp_path: Path) -> None:
    for part in split(spec(text=text(VERSES))):
        path = tmp_path / f"{part.package_id}.bible"
        build(part, path)
        opened = open_package(path)
        assert opened.header.package_type is PackageType.TEXT_PART
        assert opened.manifest.series_info == part.series
        staged(path, tmp_path / "staging.db")
        assert len(rows(tmp_path / "staging.db", "text_versions")) == 1
        assert len(rows(tmp_path / "staging.db", "verse_texts")) == 2


def test_a_verse_that_is_none_is_told() -> None:
    with pytest.raises(BadRequest, match="not the id of a verse"):
        split(spec(text=text([("verse one", "x")])))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"partNumber": 0}, "part 0 of 2"),
        ({"partNumber": 3}, "part 3 of 2"),
        ({"totalParts": MOST_PARTS + 1}, "of 1001"),
        ({"totalParts": 0}, "of 0"),
        ({"dependencies": ["test-package-part1"]}, "depends on itself"),
        ({"dependencies": ["../escape"]}, "cannot be read"),
        ({"seriesId": ""}, "cannot be read"),
        ({"partNumber": "1"}, "cannot be read"),
    ],
)
def test_a_part_that_cannot_be_one_is_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "part.bible"
    build(split(spec(text=text(VERSES)))[0], path)
    manifest, _, _ = sections(path)
    with pytest.raises(PackageRefused, match=sentence):
        open_package(with_manifest(path, seriesInfo={**manifest["seriesInfo"], **changes}))


SOURCE = """
package_id = "eng-example"
package_version = "1.0"
created_at = "2026-01-01T00:00:00Z"
language = { id = "11111111-1111-4111-8111-111111111111", name = "English" }
bible_version = { id = "protestant", name = "Protestant canon" }
text = { name = "Example Version" }
"""


def test_the_command_builds_the_parts(tmp_path: Path) -> None:
    (tmp_path / "package.toml").write_text(SOURCE)
    (tmp_path / "verses.tsv").write_text("".join(f"{id_}\t{line}\n" for id_, line in VERSES))
    out = tmp_path / "parts"
    run = CliRunner().invoke
    done = run(main, ["package", "build", str(tmp_path), str(out), "--split", "testament"])
    assert done.exit_code == 0, done.output
    names = ["eng-example-part1.bible", "eng-example-part2.bible"]
    assert sorted(path.name for path in out.iterdir()) == names
    told = run(main, ["package", "inspect", str(out / names[1])]).output
    assert "part 2 of 2 of Example Version: Matthew to Revelation" in told
    raw = run(main, ["package", "inspect", str(out / names[0]), "--json"]).output
    assert msgspec.json.decode(raw)["manifest"]["packageType"] == 5
    wrong = run(main, ["package", "build", str(tmp_path), str(out), "--split", "verse"])
    assert (wrong.exit_code, "neither 'testament' nor" in wrong.output) == (2, True)
