"""Removing a package: what only it held goes; what people typed stays."""

from pathlib import Path
from typing import Any

import msgspec

from hotspot.model.catalogue import NewPackage
from hotspot.model.records import Record
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    T0,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    drain,
    edited,
    media_file,
    timing,
    verse,
    version_row,
)
from tests.store.support import chapter, package, query, staging


def named(new: NewPackage, **manifest: Any) -> NewPackage:
    """The package with more in its manifest."""
    content = msgspec.json.decode(new.manifest) | manifest
    return msgspec.structs.replace(new, manifest=msgspec.json.encode(content))


def in_book(record: Record, book: str) -> Record:
    """The verse in another book."""
    values = {**record.values, "verse_id": f"{book}-1-1"}
    return msgspec.structs.replace(record, values=values)


async def left(store: HotspotStore) -> set[str]:
    """What phones are still sent of the text version."""
    found, _ = await drain(store, TEXT)
    return {record.id for record in found}


async def test_edits_that_wait_stay_with_their_version(
    store: HotspotStore, path: Path, tmp_path: Path
) -> None:
    old, other = verse(1), verse(2)
    file = staging(tmp_path / "s", [version_row(TEXT), old, other])
    await store.publish(package(), file, T0)
    await accept(store, accepted(edited(old, "Typed here", T1), old))
    assert await store.remove_package("eng-kjv")
    assert await left(store) == {TEXT.id, old.id}
    (waiting,) = await store.pending_edits(10)
    assert waiting.record.values["verse_text"] == "Typed here"
    assert query(path, "SELECT count(*) FROM verse_texts") == [(1,)]


async def test_what_another_package_may_hold_stays(store: HotspotStore, tmp_path: Path) -> None:
    for name in ("one", "two"):
        file = staging(tmp_path / name, [version_row(TEXT), verse(1)])
        await store.publish(package(name), file, T0)
    await store.remove_package("one")
    assert await left(store) == {TEXT.id, verse(1).id}
    await store.remove_package("two")
    assert await left(store) == set()


async def test_of_a_version_in_parts_the_books_of_that_part_go(
    store: HotspotStore, tmp_path: Path
) -> None:
    genesis, exodus, ruth = verse(1), in_book(verse(2), "exod"), in_book(verse(3), "ruth")
    for name, books, records in (
        ("first", ["gen", "exod"], [genesis, exodus]),
        ("second", ["exod", "ruth"], [exodus, ruth]),
    ):
        file = staging(tmp_path / name, [version_row(TEXT), *records])
        await store.publish(named(package(name), includesBooks=books), file, T0)
    await store.remove_package("first")
    assert await left(store) == {TEXT.id, exodus.id, ruth.id}
    await store.remove_package("second")
    assert await left(store) == set()


async def test_audio_goes_with_its_timings_and_its_file_is_discarded(
    store: HotspotStore, path: Path, tmp_path: Path
) -> None:
    file = media_file(1, chapter_id="gen-1")
    rows = [version_row(AUDIO), file, timing(1, 0.5)]
    new = package("sung", "1.0", None, AUDIO.id, [chapter(file.id, "sung-1.0.bible")])
    await store.publish(new, staging(tmp_path / "s", rows), T0)
    assert await store.audio(file.id) is not None
    await store.remove_package("sung")
    for table in ("media_files", "media_files_verses", "audio_versions", "feed_positions"):
        assert query(path, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert await store.audio(file.id) is None
    assert await store.discarded_files() == {"sung-1.0.bible"}


async def test_it_comes_back_as_if_it_had_never_been_here(
    store: HotspotStore, tmp_path: Path
) -> None:
    file = staging(tmp_path / "s", [version_row(TEXT), verse(1)])
    await store.publish(package(), file, T0)
    before = await left(store)
    _, token = await drain(store, TEXT)
    await store.remove_package("eng-kjv")
    await store.publish(package(), file, T2)
    assert await left(store) == before
    assert await store.discarded_files() == set()
    again, _ = await drain(store, TEXT, token)
    assert {record.id for record in again} == before
