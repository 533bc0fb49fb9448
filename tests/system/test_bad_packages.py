"""Sticks whose files are not what they should be: each is named in the status, nothing is lost."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hotspot.package.layout import HEADER_SIZE
from hotspot.package.reader import open_package
from tests.package.pieces import with_manifest, with_sql
from tests.support.packages import combined_package, text_package, version_id
from tests.system.nodes import Hotspot, until
from tests.system.phones import API, texts

Spoil = Callable[[Path], None]


def put_in(hotspot: Hotspot, *files: Path, stick: str = "stick") -> None:
    """Plugs in a stick with these files: it is there all at once."""
    coming = hotspot.folder / "coming"
    coming.mkdir()
    for file in files:
        file.rename(coming / file.name)
    coming.rename(hotspot.sticks / stick)


def truncate(package: Path) -> None:
    os.truncate(package, package.stat().st_size - 1000)


def grow(package: Path) -> None:
    os.truncate(package, package.stat().st_size + 1)


def replace(package: Path) -> None:
    package.write_bytes(random.Random(1).randbytes(100_000))


def empty(package: Path) -> None:
    os.truncate(package, 0)


def flip(section: str) -> Spoil:
    """Flips one bit in the middle of a section."""

    def spoil(package: Path) -> None:
        opened = open_package(package)
        middle = {
            "magic": 4,
            "header": 40,
            "manifest": HEADER_SIZE + opened.header.manifest_size // 2,
            "database": opened.database_offset + opened.database_size // 2,
        }[section]
        content = bytearray(package.read_bytes())
        content[middle] ^= 1
        package.write_bytes(content)

    return spoil


def claim(**fields: Any) -> Spoil:
    """Gives the package a manifest that says something else."""

    def spoil(package: Path) -> None:
        with_manifest(package, **fields)

    return spoil


def poison(package: Path) -> None:
    """Puts a trigger into the database; all hashes fit."""
    with_sql(
        package,
        "CREATE TRIGGER t AFTER INSERT ON package_verse_texts BEGIN "
        "DELETE FROM package_verse_texts; END;",
    )


SPOILT: dict[str, tuple[Spoil, str]] = {
    "truncated": (truncate, "cut off: 1000 of its"),
    "grown": (grow, "1 bytes more than its header says"),
    "random": (replace, "not a .bible package"),
    "empty": (empty, "not a .bible package"),
    "magic": (flip("magic"), "not a .bible package"),
    "header": (flip("header"), "damaged"),
    "manifest": (flip("manifest"), "manifest"),
    "database": (flip("database"), "database is damaged"),
    "lying-hash": (claim(databaseHash="0" * 64), "damaged"),
    "lying-type": (claim(packageType=2), "different types"),
    "lying-id": (
        claim(textVersionId="99999999-9999-4999-8999-999999999999"),
        "to another version",
    ),
    "lying-field": (claim(packageVersion=None), "packageVersion"),
    "poisoned": (poison, "trigger"),
}


def test_each_bad_file_is_refused_by_name_and_the_good_one_imported(
    hotspot: Hotspot, tmp_path: Path
) -> None:
    good = text_package(tmp_path / "good", "good")
    files = [good]
    for name, (spoil, _) in SPOILT.items():
        made = combined_package(tmp_path / name, name)
        spoil(made)
        files.append(made)
    put_in(hotspot, *files)
    assert hotspot.outcome(good.name)["outcome"] == "new"
    until(lambda: len(hotspot.status()["imports"]) == len(files))
    told = {Path(one["source"]).stem: one for one in hotspot.status()["imports"]}
    for name, (_, sentence) in SPOILT.items():
        one = told[f"{name}-1.0"]
        assert one["outcome"] == "refused", one
        assert sentence in one["message"], one
        assert f"{name}-1.0.bible" in one["message"], one
    assert [one["packageId"] for one in hotspot.ask("packages")] == ["good"]
    assert len(texts(hotspot.url, version_id("good-text"))) == 5
    assert not list((hotspot.data / "incoming").iterdir())
    assert len(list((hotspot.data / "packages").iterdir())) == 1
    assert "Traceback" not in hotspot.said()


def test_names_that_no_text_can_hold_are_shown_all_the_same(
    hotspot: Hotspot, tmp_path: Path
) -> None:
    strange = text_package(tmp_path / "a", "strange")
    strange = strange.rename(os.fsdecode(bytes(strange.parent) + b"/caf\xe9\x1b[2J.bible"))
    put_in(hotspot, strange, text_package(tmp_path / "b", "plain"))
    assert hotspot.outcome("plain-1.0.bible")["outcome"] == "new"
    until(lambda: len(hotspot.status()["imports"]) == 2)
    assert {one["packageId"] for one in hotspot.ask("packages")} == {"strange", "plain"}
    assert "Traceback" not in hotspot.said()


def test_what_is_here_already_or_older_is_left_alone(hotspot: Hotspot, tmp_path: Path) -> None:
    put_in(hotspot, text_package(tmp_path / "1", version="2.0", words="Now"), stick="first")
    assert hotspot.outcome("text-2.0.bible")["outcome"] == "new"
    before = texts(hotspot.url, version_id("text-text"))
    put_in(
        hotspot,
        text_package(tmp_path / "2", version="2.0", words="Now").rename(tmp_path / "again.bible"),
        text_package(tmp_path / "3", version="1.9", words="Then"),
        stick="second",
    )
    same, older = hotspot.outcome("again.bible"), hotspot.outcome("text-1.9.bible")
    assert same["outcome"] == "same"
    assert same["message"] == "Package text version 2.0 is here already."
    assert older["outcome"] == "older"
    assert "is older than version 2.0" in older["message"]
    assert texts(hotspot.url, version_id("text-text")) == before
    [listed] = hotspot.request("GET", f"{API}/packages").json["packages"]
    assert listed["packageVersion"] == "2.0"
