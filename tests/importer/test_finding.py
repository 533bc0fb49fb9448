import os
import subprocess
from pathlib import Path

import pytest

from hotspot.importer import finding
from hotspot.importer.finding import DEPTH, FILES, find_packages, printable
from tests.support.requirements import needs


def make(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_packages_are_found_wherever_they_lie(tmp_path: Path) -> None:
    audio = make(tmp_path / "audio.bible", 900)
    text = make(tmp_path / "बाइबल" / "पाठ.BIBLE", 90)
    make(tmp_path / "notes.txt")
    assert set(find_packages(tmp_path)) == {text, audio}


def test_what_is_no_plain_file_is_passed_over(tmp_path: Path) -> None:
    real = make(tmp_path / "real.bible")
    (tmp_path / "link.bible").symlink_to(real)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "folder.bible").mkdir()
    os.mkfifo(tmp_path / "pipe.bible")
    make(tmp_path / "._real.bible")
    make(tmp_path / ".Trash" / "old.bible")
    assert find_packages(tmp_path) == [real]


def test_a_maze_is_not_walked_to_its_end(tmp_path: Path) -> None:
    inside = make(tmp_path.joinpath(*"abcd") / "in.bible")
    make(tmp_path.joinpath(*"abcde") / "too-deep.bible")
    assert DEPTH == 5
    assert find_packages(tmp_path) == [inside]


def test_a_folder_that_contains_itself_is_looked_into_once(tmp_path: Path) -> None:
    """As a broken file system may show it; here by a mount."""
    needs("loop")
    inside = make(tmp_path / "a" / "in.bible")
    loop = tmp_path / "a" / "loop"
    loop.mkdir()
    subprocess.run(["mount", "--bind", tmp_path / "a", loop], check=True)
    try:
        assert find_packages(tmp_path) == [inside]
    finally:
        subprocess.run(["umount", loop], check=True)


def test_a_heap_of_other_files_is_not_looked_through_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "ENTRIES", 10)
    for number in range(20):
        make(tmp_path / f"folder-{number}" / "in.bible")
    assert len(find_packages(tmp_path)) < 10


def test_a_heap_is_not_taken_whole(tmp_path: Path) -> None:
    for number in range(FILES + 5):
        make(tmp_path / f"{number}.bible", 1)
    assert len(find_packages(tmp_path)) == FILES


def test_a_stick_that_has_gone_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        find_packages(tmp_path / "gone")


@pytest.mark.parametrize("name", ["caf\udce9.bible", "\x1b[2J.bible", "a\n.bible"])
def test_any_name_can_be_shown(name: str) -> None:
    shown = printable(name)
    assert shown.isprintable() and shown.encode()
    assert len(shown) == len(name)


def test_the_names_of_all_scripts_are_shown_as_they_are() -> None:
    assert printable("पाठ café.bible") == "पाठ café.bible"
