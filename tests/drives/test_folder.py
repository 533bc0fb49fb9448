"""Folders taken for sticks."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hotspot.drives.drive import DriveKind
from hotspot.drives.folder import FolderDrives, look, news
from tests.drives.conftest import FolderPorts, listening

A = frozenset({("a.bible", 1, 1)})
B = frozenset({("a.bible", 1, 1), ("b.bible", 1, 1)})


def test_a_stick_counts_when_nothing_is_being_copied_into_it() -> None:
    told: dict[str, frozenset[tuple[str, int, int]]] = {}
    assert news(told, {}, {"x": A}) == []
    assert news(told, {"x": A}, {"x": B}) == []
    assert news(told, {"x": B}, {"x": B}) == [(DriveKind.ADDED, "x")]
    assert news(told, {"x": B}, {"x": B}) == []


def test_a_new_package_is_a_change_and_a_vanished_one_is_not() -> None:
    told = {"x": A}
    assert news(told, {"x": B}, {"x": B}) == [(DriveKind.CHANGED, "x")]
    assert news(told, {"x": A}, {"x": A}) == []
    assert news(told, {"x": B}, {"x": B}) == [(DriveKind.CHANGED, "x")]


def test_a_package_replaced_by_another_of_the_same_name_is_a_change() -> None:
    told = {"x": A}
    other = frozenset({("a.bible", 1, 2)})
    assert news(told, {"x": other}, {"x": other}) == [(DriveKind.CHANGED, "x")]


snapshots = st.dictionaries(st.sampled_from("xyz"), st.sampled_from([A, B, frozenset()]))


@given(st.lists(snapshots))
def test_sticks_come_before_they_change_or_go(
    seen: list[dict[str, frozenset[tuple[str, int, int]]]],
) -> None:
    told: dict[str, frozenset[tuple[str, int, int]]] = {}
    before: dict[str, frozenset[tuple[str, int, int]]] = {}
    present: set[str] = set()
    for now in [*seen, seen[-1] if seen else {}]:
        for kind, name in news(told, before, now):
            assert (name in present) == (kind is not DriveKind.ADDED)
            if kind is DriveKind.REMOVED:
                present.remove(name)
            else:
                present.add(name)
        before = now
    assert present == set(before)


async def test_a_package_that_is_added_later_is_told_of(tmp_path: Path) -> None:
    ports = FolderPorts(tmp_path)
    await ports.plug("ONE", {"a.bible": b"a"})
    async with listening(ports.source()) as told:
        assert (await told.next()).kind is DriveKind.ADDED
        await ports.plug("ONE", {"deep/er/b.BIBLE": b"b", "note.txt": b"n"})
        changed = await told.next()
    assert changed.kind is DriveKind.CHANGED
    assert changed.drive.mount_point == ports.folder / "ONE"


async def test_a_folder_that_is_made_later_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    async with listening(FolderDrives(folder, every_s=0.02)) as told:
        (folder / "ONE").mkdir(parents=True)
        assert (await told.next()).drive.label == "ONE"


def test_only_packages_are_looked_at_and_links_are_not_followed(tmp_path: Path) -> None:
    stick = tmp_path / "ONE"
    stick.mkdir()
    (tmp_path / "file").write_bytes(b"")
    (stick / "a.bible").write_bytes(b"abc")
    (stick / "note.txt").write_bytes(b"")
    (stick / "round").symlink_to(stick)
    known = (stick / "a.bible").stat()
    assert look(tmp_path) == {
        "ONE": frozenset({(str(stick / "a.bible"), 3, known.st_mtime_ns)}),
    }
