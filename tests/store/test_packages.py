"""The catalogue: what can be downloaded, in whose name, and where it lies."""

from pathlib import Path

import msgspec
import pytest

from hotspot.clock import Clock
from hotspot.model import records
from hotspot.model.catalogue import PackageQuery
from hotspot.model.records import Value
from hotspot.model.sessions import SessionLog
from hotspot.model.tables import BY_NAME, Scope
from hotspot.model.wire import PackageInfo
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    T0,
    T1,
    T2,
    TEXT,
    drain,
    media_file,
    uuid,
    verse,
    version_row,
)
from tests.store.support import bring, change, chapter, package, query, staging

HINDI = uuid(501)


@pytest.fixture
async def store(store: HotspotStore, tmp_path: Path) -> HotspotStore:
    """Two English packages and a Hindi one."""
    file = staging(tmp_path / "s", [version_row(TEXT), version_row(AUDIO), verse(1)])
    change(file, "INSERT INTO language_entities (id, name) VALUES (?, ?)", HINDI, "Anglo-Hindi")
    audio = [chapter(media_file(1).id, "eng-audio-1.0.bible", 77)]
    await store.publish(package("eng-kjv", series_info={"partNumber": 1}), file, T0)
    await store.publish(
        package("eng-audio", "1.0", None, AUDIO.id, audio, package_type="audio"), file, T0
    )
    hindi = package("hin-irv", text=uuid(7), language_entity_id=HINDI, complete=False)
    await store.publish(hindi, file, T0)
    return store


async def ids(store: HotspotStore, query: PackageQuery) -> tuple[list[str], int]:
    packages, total = await store.list_packages(query)
    return [one.package_id for one in packages], total


async def test_packages_are_listed_by_language_and_id(store: HotspotStore) -> None:
    assert await ids(store, PackageQuery()) == (["hin-irv", "eng-audio", "eng-kjv"], 3)
    assert await ids(store, PackageQuery(limit=1, offset=1)) == (["eng-audio"], 3)
    assert await ids(store, PackageQuery(offset=9)) == ([], 3)
    assert await ids(store, PackageQuery(language_entity_id=HINDI)) == (["hin-irv"], 1)
    assert await ids(store, PackageQuery(package_type="audio")) == (["eng-audio"], 1)
    both = PackageQuery(language_entity_id=HINDI, package_type="audio")
    assert await ids(store, both) == ([], 0)


async def test_a_package_says_all_about_itself(store: HotspotStore) -> None:
    stored = await store.package("eng-kjv")
    assert stored is not None
    given = package("eng-kjv").info
    assert stored.info == PackageInfo(
        package_id="eng-kjv",
        package_version="1.0",
        package_type="text",
        language_entity_id=given.language_entity_id,
        language_name="English",
        text_version_id=TEXT.id,
        text_version_name="A version",
        size_in_bytes=given.size_in_bytes,
        sha256=given.sha256,
        imported_at=T0,
        complete=True,
        series_info={"partNumber": 1},
    )
    assert stored.manifest == b'{"packageId": "eng-kjv"}'
    assert stored.file_name == "eng-kjv-1.0.bible"
    listed, _ = await store.list_packages(PackageQuery(language_entity_id=HINDI))
    assert listed[0].complete is False
    assert await store.package("none") is None


async def test_audio_is_found_where_it_lies(store: HotspotStore) -> None:
    file = chapter(media_file(1).id, "eng-audio-1.0.bible", 77)
    assert await store.audio(media_file(1).id) == file
    assert await store.audio(media_file(2).id) is None


async def test_of_two_packages_with_the_same_audio_the_newer_serves_it(
    store: HotspotStore, tmp_path: Path, path: Path
) -> None:
    audio = [chapter(media_file(1).id, "part.bible", 5)]
    part = package("eng-part", "1.0", None, AUDIO.id, audio, imported_at=T2)
    await store.publish(part, staging(tmp_path / "t", [media_file(1)]), T2)
    assert await store.audio(media_file(1).id) == audio[0]
    linked = "SELECT local_path FROM media_files"
    assert query(path, linked) == [("packages/part.bible",)]
    await store.remove_package("eng-part")
    assert await store.audio(media_file(1).id) == chapter(
        media_file(1).id, "eng-audio-1.0.bible", 77
    )
    assert query(path, linked) == [("packages/eng-audio-1.0.bible",)]


async def test_removing_forgets_the_package_and_what_it_alone_held(
    store: HotspotStore, path: Path
) -> None:
    log = SessionLog(started_at=T0, completed_at=T1, changes={TEXT: 1}, error="Failed.")
    await store.log_session(log)
    assert await store.file_names() == {
        "eng-kjv-1.0.bible",
        "eng-audio-1.0.bible",
        "hin-irv-1.0.bible",
    }
    assert await store.remove_package("eng-kjv") is True
    assert await store.remove_package("eng-kjv") is False
    assert await store.package("eng-kjv") is None
    assert await store.package_scopes("eng-kjv") is None
    assert await store.file_names() == {"eng-audio-1.0.bible", "hin-irv-1.0.bible"}
    assert TEXT not in {position.scope for position in await store.positions()}
    assert query(path, "SELECT DISTINCT package_id FROM sync_log ORDER BY 1") == [
        ("eng-audio",),
        ("hin-irv",),
    ]
    assert (await drain(store, TEXT))[0] == []
    assert (await drain(store, AUDIO))[0] == [version_row(AUDIO)]
    assert await store.discarded_files() == {"eng-kjv-1.0.bible"}


async def test_a_package_names_its_versions(store: HotspotStore) -> None:
    assert await store.package_scopes("eng-kjv") == [TEXT]
    assert await store.package_scopes("eng-audio") == [AUDIO]
    assert await store.package_scopes("hin-irv") == [Scope(TEXT.kind, uuid(7))]


async def test_whatever_changes_the_list_gives_it_another_name(
    store: HotspotStore, tmp_path: Path
) -> None:
    seen = [store.catalogue_revision]

    async def changed() -> bool:
        seen.append(store.catalogue_revision)
        return seen[-1] not in seen[:-1]

    await store.publish(package("more", text=uuid(9)), staging(tmp_path / "t", []), T1)
    assert await changed()
    await bring(store, msgspec.structs.replace(version_row(TEXT), updated_at=T2))
    assert not await changed()
    fields: dict[str, Value] = {"language_entity_id": HINDI, "name": "Other", "created_at": T0}
    await bring(store, records.build(BY_NAME["text_versions"], TEXT.id, fields, T2))
    assert await changed()
    await bring(store, verse(2))
    assert not await changed()
    assert await store.remove_package("more")
    assert await changed()
    assert not await store.remove_package("more")
    assert not await changed()


async def test_fetched_audio_changes_what_the_list_says_of_damage(
    store: HotspotStore, tmp_path: Path
) -> None:
    damaged = media_file(5)
    audio = [chapter(damaged.id, "worn.bible")]
    worn = package("worn", "1.0", None, AUDIO.id, audio, complete=False)
    worn = msgspec.structs.replace(worn, damaged=frozenset({damaged.id}))
    await store.publish(worn, staging(tmp_path / "t", [damaged]), T1)
    before = store.catalogue_revision
    assert await _damage(store, "worn") == 1
    await store.audio_fetched(chapter(damaged.id, "fetched.mp3"), T2)
    assert await _damage(store, "worn") == 0
    assert store.catalogue_revision != before
    before = store.catalogue_revision
    await store.audio_fetched(chapter(damaged.id, "fetched-again.mp3"), T2)
    assert store.catalogue_revision != before


async def _damage(store: HotspotStore, package_id: str) -> int:
    stored = await store.package(package_id)
    assert stored is not None
    return stored.info.damaged_audio


async def test_a_life_of_the_database_has_revisions_of_its_own(
    store: HotspotStore, tmp_path: Path
) -> None:
    async with HotspotStore.open(tmp_path / "other.db", Clock(0)) as other:
        assert other.catalogue_revision.startswith(other.epoch)
        assert not store.catalogue_revision.startswith(other.epoch)


async def test_the_summary(store: HotspotStore, tmp_path: Path) -> None:
    for number in (3, 1):
        part = {"seriesId": "s", "seriesName": "Series", "partNumber": number, "totalParts": 4}
        file = staging(tmp_path / str(number), [])
        await store.publish(package(f"part-{number}", text=uuid(9), series_info=part), file, T1)
    told = await store.summary()
    assert told.revision == store.catalogue_revision
    assert (told.packages, told.incomplete) == (5, ["hin-irv"])
    assert [(one.name, one.packages) for one in told.languages] == [
        ("Anglo-Hindi", 1),
        ("English", 4),
    ]
    (series,) = told.series
    assert [(one.part_number, one.package_id) for one in series.parts] == [
        (1, "part-1"),
        (3, "part-3"),
    ]
    assert (series.series_name, series.total_parts, series.missing_parts) == ("Series", 4, [2, 4])


async def test_checksums_are_kept_for_as_long_as_the_audio(store: HotspotStore) -> None:
    here, gone = "ab" * 32, "cd" * 32
    await store.keep_checksums({here: 2**32 - 1, gone: 7})
    assert await store.checksums([here, gone]) == {here: 2**32 - 1}
    await store.remove_package("eng-audio")
    await store.keep_checksums({})
    assert await store.checksums([here]) == {}


async def test_several_audio_files_at_once(store: HotspotStore) -> None:
    one = media_file(1).id
    found = await store.audios([one, "none"])
    assert found == {one: await store.audio(one)}
