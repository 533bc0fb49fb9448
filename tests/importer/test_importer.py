"""Importing real packages into a real store."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from hotspot.events import CatalogueChanged, ImportFinished, ImportProgress
from hotspot.model.catalogue import PackageQuery
from hotspot.model.plan import ImportAction
from hotspot.model.stores import FeedQuery
from hotspot.model.tables import Scope, ScopeKind
from hotspot.package.reader import open_package
from tests.importer.conftest import Box
from tests.package.pieces import with_sql
from tests.support.packages import VERSES, combined_package, text_package, version_id


async def texts(box: Box, name: str = "text") -> list[str]:
    """The texts that phones would be sent for a text package."""
    scope = Scope(ScopeKind.TEXT, version_id(f"{name}-text"))
    page = await box.store.read_changes(FeedQuery(scopes=[(scope, None)], limit=1000))
    verses = [record for record in page.records if record.table == "verse_texts"]
    return sorted(str(record.values["verse_text"]) for record in verses)


def leftovers(box: Box) -> list[str]:
    return [path.name for path in box.config.incoming.iterdir()]


async def test_a_package_is_copied_verified_and_published(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    with box.bus.listen(CatalogueChanged, ImportFinished, ImportProgress) as events:
        result = await box.importer.import_file(source)
    assert result.action is ImportAction.NEW
    assert result.rows is not None
    assert (result.rows["verse_texts"], result.rows["media_files_verses"]) == (4, 4)
    assert "4 verses, 2 audio files" in result.sentence
    (info,), total = await box.store.list_packages(PackageQuery())
    assert total == 1
    assert (info.package_type, info.language_name) == ("combined", "Test language")
    stored = box.config.packages / f"{info.sha256}.bible"
    assert stored.read_bytes() == source.read_bytes()
    index = (await asyncio.to_thread(open_package, source)).manifest.audio_file_index
    audio = await box.store.audio(index[0].media_file_id)
    assert audio is not None
    inside = source.read_bytes()[audio.offset : audio.offset + audio.size]
    assert inside == bytes(n % 251 for n in range(200_001))
    assert leftovers(box) == []
    told = events.waiting()
    assert [type(event) for event in told[-2:]] == [ImportFinished, CatalogueChanged]
    size = source.stat().st_size
    phases = [(one.phase, one.done, one.total) for one in told if isinstance(one, ImportProgress)]
    assert phases[0][0] == "copying"
    assert phases[-2:] == [("copying", size, size), ("checking", size, size)]


async def test_what_is_here_is_not_copied_again(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(text_package, tmp_path)
    await box.importer.import_file(source)
    result = await box.importer.import_file(source)
    assert (result.action, result.rows) == (ImportAction.SAME, None)
    assert result.sentence == "Package text version 1.0 is here already."


async def test_a_newer_version_replaces_and_an_older_one_is_skipped(
    box: Box, tmp_path: Path
) -> None:
    later = "2026-11-05T00:00:00.000Z"
    old = await asyncio.to_thread(text_package, tmp_path, version="1.9")
    new = await asyncio.to_thread(
        text_package, tmp_path, version="1.10", words="At first", stamp=later
    )
    await box.importer.import_file(old)
    result = await box.importer.import_file(new)
    assert result.action is ImportAction.NEWER
    assert await texts(box) == [f"At first {n}" for n in range(1, VERSES + 1)]
    result = await box.importer.import_file(old)
    assert result.action is ImportAction.OLDER
    assert "older than version 1.10" in result.sentence
    assert await texts(box) == [f"At first {n}" for n in range(1, VERSES + 1)]


async def test_a_stick_full_of_packages(box: Box, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    await asyncio.to_thread(combined_package, stick / "audio")
    await asyncio.to_thread(text_package, stick / "पाठ")
    (stick / "notes.bible").write_text("not a package")
    results = await box.importer.import_folder(stick)
    assert [result.action for result in results] == [
        ImportAction.REFUSED,
        ImportAction.NEW,
        ImportAction.NEW,
    ]
    assert [result.package_id for result in results] == [None, "text", "combined"]
    kept = await box.store.imports(10)
    assert [(one.source, one.sentence) for one in kept] == [
        (one.source, one.sentence) for one in results
    ]


async def test_a_stick_that_has_gone_is_said_so(box: Box, tmp_path: Path) -> None:
    (result,) = await box.importer.import_folder(tmp_path / "gone")
    assert result.action is ImportAction.INTERRUPTED
    assert result.sentence == "The stick cannot be read (No such file or directory)."


async def part_of(box: Box, source: Path) -> Path:
    """Where a partial copy of `source` lies."""
    package = await asyncio.to_thread(open_package, source)
    return box.config.incoming / f"{package.header.sha256.hex()}.part"


def flipped(source: Path, offset: int) -> Path:
    damaged = source.with_name("damaged.bible")
    content = bytearray(source.read_bytes())
    content[offset] ^= 0x01
    damaged.write_bytes(content)
    return damaged


async def test_a_flipped_byte_before_the_audio_is_refused(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    package = await asyncio.to_thread(open_package, source)
    places = {
        0: "not a .bible package",
        9: "format",
        40: "damaged",
        70: "header is damaged",
        72: "manifest",
        package.database_offset + 5000: "The database is damaged",
    }
    for offset, says in places.items():
        result = await box.importer.import_file(flipped(source, offset))
        assert result.action is ImportAction.REFUSED, offset
        assert says in result.sentence, (offset, result.sentence)
        assert result.sentence.endswith(".")
    assert await box.store.list_packages(PackageQuery()) == ([], 0)
    assert leftovers(box) == []
    assert list(box.config.packages.iterdir()) == []
    assert (await box.importer.import_file(source)).action is ImportAction.NEW


async def test_a_package_that_is_cut_short_is_refused_wherever(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    package = await asyncio.to_thread(open_package, source)
    content = source.read_bytes()
    cut = tmp_path / "cut.bible"
    for size in (0, 7, 8, 71, 72, 100, package.database_offset, package.audio_offset, -1):
        cut.write_bytes(content[:size])
        result = await box.importer.import_file(cut)
        assert result.action is ImportAction.REFUSED, size
        assert result.sentence.endswith(".")
    assert leftovers(box) == []


async def test_a_manifest_that_lies_about_sizes_is_refused(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    package = await asyncio.to_thread(open_package, source)
    manifest = json.loads(package.manifest_bytes)
    manifest["audioFileIndex"][1]["size"] += 1
    raw = json.dumps(manifest, separators=(",", ":")).encode()
    assert len(raw) == len(package.manifest_bytes)
    content = bytearray(source.read_bytes())
    content[72 : 72 + len(raw)] = raw
    lying = tmp_path / "lying.bible"
    lying.write_bytes(content)
    result = await box.importer.import_file(lying)
    assert result.action is ImportAction.REFUSED
    assert "lies outside the package" in result.sentence


async def test_a_package_made_to_do_harm_leaves_nothing(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(text_package, tmp_path)
    await asyncio.to_thread(with_sql, source, "CREATE VIEW v AS SELECT 1")
    result = await box.importer.import_file(source)
    assert result.action is ImportAction.REFUSED
    assert "create view" in result.sentence
    assert leftovers(box) == []
    assert list(box.config.packages.iterdir()) == []


async def test_a_stale_part_does_not_spoil_the_copy(box: Box, tmp_path: Path) -> None:
    """The bytes that an earlier attempt left may be another file's, or rotten."""
    source = await asyncio.to_thread(combined_package, tmp_path)
    part = (
        box.config.incoming
        / f"{(await asyncio.to_thread(open_package, source)).header.sha256.hex()}.part"
    )
    part.write_bytes(b"\x00" * 1000)
    result = await box.importer.import_file(source)
    assert result.action is ImportAction.NEW
    assert leftovers(box) == []


async def test_a_stick_pulled_out_goes_on_where_it_stopped(box: Box, tmp_path: Path) -> None:
    source = await asyncio.to_thread(combined_package, tmp_path)
    part = (
        box.config.incoming
        / f"{(await asyncio.to_thread(open_package, source)).header.sha256.hex()}.part"
    )
    content = source.read_bytes()
    part.write_bytes(content[:150_000])
    with box.bus.listen(ImportProgress) as events:
        result = await box.importer.import_file(source)
    assert result.action is ImportAction.NEW
    first = await events.next()
    assert isinstance(first, ImportProgress)
    assert first.done == 150_000


@pytest.mark.parametrize("free", [10_000_000])
async def test_what_does_not_fit_is_not_begun(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    monkeypatch.setattr("hotspot.importer.shelf.Shelf.free", lambda self: free)
    result = await box.importer.import_file(await asyncio.to_thread(text_package, tmp_path))
    assert result.action is ImportAction.NO_SPACE
    assert "MB more room" in result.sentence
    assert leftovers(box) == []


async def test_a_package_that_was_removed_stays_so_and_frees_its_room(
    box: Box, tmp_path: Path
) -> None:
    """Its records go too: no other package holds them."""
    source = await asyncio.to_thread(text_package, tmp_path)
    await box.importer.import_file(source)
    assert await box.importer.remove("text") is True
    assert await box.importer.remove("text") is False
    assert list(box.config.packages.iterdir()) == []
    await box.importer.prepare()
    assert await box.store.list_packages(PackageQuery()) == ([], 0)
    assert await texts(box) == []
    assert (await box.importer.import_file(source)).action is ImportAction.NEW


async def test_a_version_that_was_replaced_frees_its_room(box: Box, tmp_path: Path) -> None:
    for version in ("1", "2"):
        source = await asyncio.to_thread(text_package, tmp_path, version=version)
        await box.importer.import_file(source)
    [file] = box.config.packages.iterdir()
    assert file.read_bytes() == source.read_bytes()


async def test_a_replaced_file_that_a_power_cut_kept_is_deleted(box: Box, tmp_path: Path) -> None:
    old = await asyncio.to_thread(text_package, tmp_path, version="1")
    new = await asyncio.to_thread(text_package, tmp_path, version="2")
    await box.importer.import_file(new)
    shutil.copyfile(old, box.config.packages / f"{'0' * 64}.bible")
    await box.importer.prepare()
    [file] = box.config.packages.iterdir()
    assert file.read_bytes() == new.read_bytes()
