"""Packages with damaged audio: their texts are here, and what is sound; a good copy heals them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import to_builtins

from hotspot.model.catalogue import PackageQuery
from hotspot.model.plan import ImportAction
from hotspot.model.wire import PackageInfo
from hotspot.package.manifest import AudioFile
from hotspot.package.reader import open_package
from hotspot.package.signing import sign_package
from tests.importer.conftest import Box, open_box
from tests.importer.test_importer import texts
from tests.package.pieces import with_manifest
from tests.package.signing import Pair
from tests.support.packages import combined_package

PAIR = Pair(1)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return combined_package(tmp_path / "good")


def damaged(good: Path, *places: int) -> Path:
    """A copy on another stick, with the byte at each place changed; negative: from the end."""
    folder = good.parent.with_name(f"damaged{'_'.join(map(str, places))}")
    folder.mkdir(exist_ok=True)
    content = bytearray(good.read_bytes())
    for place in places:
        content[place] ^= 1
    path = folder / good.name
    path.write_bytes(content)
    return path


FIRST = -400_000
"""A byte of the first audio file; the last byte is of the second."""


async def index(package: Path) -> list[AudioFile]:
    return (await asyncio.to_thread(open_package, package)).manifest.audio_file_index


async def media_ids(package: Path) -> list[str]:
    return [one.media_file_id for one in await index(package)]


async def listed(box: Box) -> PackageInfo:
    (info,), _ = await box.store.list_packages(PackageQuery())
    return info


async def playable(box: Box, package: Path) -> list[bool]:
    """Which audio files are offered; those that are have the right bytes."""
    found = []
    for entry in await index(package):
        audio = await box.store.audio(entry.media_file_id)
        if audio is not None:
            content = (box.config.packages / audio.file_name).read_bytes()
            part = content[audio.offset : audio.offset + audio.size]
            assert sha256(part).hexdigest() == entry.sha256
        found.append(audio is not None)
    return found


async def wanted(box: Box) -> Sequence[str]:
    return [one.media_file_id for one in await box.store.wanted_audio()]


async def test_the_texts_and_the_sound_audio_are_here(box: Box, good: Path) -> None:
    result = await box.importer.import_file(damaged(good, -1))
    assert result.action is ImportAction.NEW
    assert "it has 1 damaged audio file, not offered until a good copy comes" in result.sentence
    assert len(await texts(box, "combined")) == 4
    assert await playable(box, good) == [True, False]
    info = await listed(box)
    assert (info.complete, info.damaged_audio) == (False, 1)
    assert await box.store.damaged_audio("combined") == {(await media_ids(good))[1]}
    assert await wanted(box) == (await media_ids(good))[1:]


async def test_audio_that_is_not_what_the_manifest_says_is_not_offered(
    box: Box, good: Path
) -> None:
    """Such a package is as it was made: it was made so."""
    named = [to_builtins(one) for one in await index(good)]
    named[1]["sha256"] = named[0]["sha256"]
    made_up = await asyncio.to_thread(with_manifest, good, audioFileIndex=named)
    result = await box.importer.import_file(made_up)
    assert "it has 1 damaged audio file" in result.sentence
    assert len(await texts(box, "combined")) == 4
    assert await playable(box, good) == [True, False]
    info = await listed(box)
    assert (info.complete, info.damaged_audio) == (False, 1)


async def test_a_good_copy_takes_its_place(box: Box, good: Path) -> None:
    await box.importer.import_file(damaged(good, -1))
    result = await box.importer.import_file(good)
    assert result.action is ImportAction.REPAIRED
    assert "replaces the copy that was damaged" in result.sentence
    assert await playable(box, good) == [True, True]
    info = await listed(box)
    assert (info.complete, info.damaged_audio) == (True, 0)
    assert await wanted(box) == []
    assert [path.name for path in box.config.packages.iterdir()] == [f"{info.sha256}.bible"]
    assert (await box.importer.import_file(good)).action is ImportAction.SAME


async def test_only_a_better_copy_takes_its_place(box: Box, good: Path) -> None:
    await box.importer.import_file(damaged(good, FIRST, -1))
    assert await playable(box, good) == [False, False]
    assert (await box.importer.import_file(damaged(good, -1))).action is ImportAction.REPAIRED
    assert await playable(box, good) == [True, False]
    for worse in (damaged(good, -1), damaged(good, FIRST)):
        result = await box.importer.import_file(worse)
        assert result.action is ImportAction.REFUSED
        assert "Bring a good copy" in result.sentence
    assert await playable(box, good) == [True, False]
    assert list(box.config.incoming.iterdir()) == []


async def test_a_damaged_version_does_not_replace_a_whole_one(
    box: Box, good: Path, tmp_path: Path
) -> None:
    await box.importer.import_file(good)
    newer = await asyncio.to_thread(combined_package, tmp_path / "newer", version="2", voice=3)
    result = await box.importer.import_file(damaged(newer, -1))
    assert result.action is ImportAction.REFUSED
    assert "so version 1.0, which is whole, stays" in result.sentence
    assert await playable(box, good) == [True, True]
    assert (await box.importer.import_file(newer)).action is ImportAction.NEWER


async def test_a_damaged_version_replaces_a_damaged_one(
    box: Box, good: Path, tmp_path: Path
) -> None:
    await box.importer.import_file(damaged(good, -1))
    newer = await asyncio.to_thread(combined_package, tmp_path / "newer", version="2", voice=3)
    result = await box.importer.import_file(damaged(newer, FIRST))
    assert result.action is ImportAction.NEWER
    assert await playable(box, newer) == [False, True]
    assert await wanted(box) == (await media_ids(newer))[:1]


async def test_a_package_whose_transaction_did_not_come_is_judged_again(
    data_dir: Path, good: Path, tmp_path: Path
) -> None:
    await asyncio.to_thread(sign_package, good, PAIR.secret)
    bad, keys = with_signatures(damaged(good, -1), good), PAIR.write(tmp_path)[0]
    async with open_box(data_dir, trusted_keys=keys) as box:
        await box.importer.import_file(bad)
        info = await listed(box)
        await box.store.remove_package("combined")
        await box.store.files_deleted([f"{info.sha256}.bible"])
    async with open_box(data_dir, trusted_keys=keys) as box:
        again = await listed(box)
        assert (again.sha256, again.complete, again.damaged_audio) == (info.sha256, False, 1)
        assert again.signed_by == PAIR.public.name
        assert await playable(box, good) == [True, False]


@pytest.fixture
async def strict(data_dir: Path, tmp_path: Path) -> AsyncIterator[Box]:
    """A hotspot that takes what PAIR signed, and nothing else."""
    public, _ = PAIR.write(tmp_path)
    async with open_box(data_dir, trusted_keys=public, require_signature=True) as box:
        yield box


def with_signatures(package: Path, good: Path) -> Path:
    """Puts the signature files of `good` beside a copy of it."""
    for suffix in (".minisig", ".head.minisig"):
        there = good.with_name(good.name + suffix)
        package.with_name(package.name + suffix).write_bytes(there.read_bytes())
    return package


async def test_what_is_signed_is_approved_by_that(strict: Box, good: Path) -> None:
    await asyncio.to_thread(sign_package, good, PAIR.secret)
    result = await strict.importer.import_file(good)
    assert result.action is ImportAction.NEW
    info = await listed(strict)
    assert info.signed_by == PAIR.public.name
    assert [one.package_id for one in await strict.store.approvals()] == ["combined"]
    assert {path.name.removeprefix(info.sha256) for path in strict.config.packages.iterdir()} == {
        ".bible",
        ".bible.minisig",
        ".bible.head.minisig",
    }
    await strict.importer.remove("combined")
    assert list(strict.config.packages.iterdir()) == []


async def test_what_is_not_signed_is_refused_before_it_is_copied(strict: Box, good: Path) -> None:
    result = await strict.importer.import_file(good)
    assert result.action is ImportAction.REFUSED
    assert "it is not signed" in result.sentence
    await asyncio.to_thread(sign_package, good, Pair(2).secret)
    result = await strict.importer.import_file(good)
    assert f"signed with the key {Pair(2).public.name}" in result.sentence
    assert list(strict.config.incoming.iterdir()) == []


async def test_the_head_s_signature_lets_sound_parts_in(strict: Box, good: Path) -> None:
    await asyncio.to_thread(sign_package, good, PAIR.secret)
    bad = with_signatures(damaged(good, -1), good)
    result = await strict.importer.import_file(bad)
    assert result.action is ImportAction.NEW
    assert await playable(strict, good) == [True, False]
    assert (await listed(strict)).signed_by == PAIR.public.name
    names = {path.suffixes[-2] for path in strict.config.packages.glob("*.minisig")}
    assert names == {".head"}
    assert (await strict.importer.import_file(good)).action is ImportAction.REPAIRED
    assert (await listed(strict)).complete


async def test_without_it_what_was_changed_is_refused(strict: Box, good: Path) -> None:
    await asyncio.to_thread(sign_package, good, PAIR.secret)
    bad = with_signatures(damaged(good, -1), good)
    bad.with_name(bad.name + ".head.minisig").unlink()
    result = await strict.importer.import_file(bad)
    assert result.action is ImportAction.REFUSED
    assert "it was changed, or is damaged" in result.sentence
    assert list(strict.config.incoming.iterdir()) == []


async def test_where_none_is_required_the_unsigned_waits_for_approval(
    data_dir: Path, good: Path, tmp_path: Path
) -> None:
    public, _ = PAIR.write(tmp_path)
    async with open_box(data_dir, trusted_keys=public) as box:
        await asyncio.to_thread(sign_package, good, Pair(2).secret)
        assert (await box.importer.import_file(good)).action is ImportAction.NEW
        assert (await listed(box)).signed_by is None
        assert await box.store.approvals() == []
        assert len(list(box.config.packages.glob("*.minisig"))) == 2
