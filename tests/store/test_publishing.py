"""Publishing: all in one commit, never over an edit that waits, and nothing edited is lost."""

from pathlib import Path

import pytest

from hotspot.errors import HotspotError
from hotspot.model import records
from hotspot.model.merge import Mark, Outcome
from hotspot.model.records import Record
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    LANGUAGE,
    OTHER_TEXT,
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
from tests.store.support import change, chapter, package, query, staging


async def current(store: HotspotStore, row: Record) -> Record:
    return (await store.write(lambda tx: tx.current([row.key])))[row.key]


async def losers(store: HotspotStore) -> list[tuple[object, ...]]:
    return await store._database.read(
        "SELECT version, winner_version, resolution FROM losing_versions"
    )


async def language_name(store: HotspotStore) -> str:
    stored = await store.package("eng-kjv")
    assert stored is not None
    return stored.info.language_name


async def test_everything_of_a_package_is_there(store: HotspotStore, tmp_path: Path) -> None:
    texts = [version_row(TEXT), *(verse(n) for n in range(50))]
    audio = [version_row(AUDIO), media_file(1, is_bible_audio=True), timing(1, 0.125)]
    new = package(audio_version=AUDIO.id, audio=[chapter(media_file(1).id, "f.bible")])
    counts = await store.publish(new, staging(tmp_path / "s", [*texts, *audio]), T2)
    assert (counts.rows["verse_texts"], counts.written["verse_texts"]) == (50, 50)
    assert (counts.rows["language_entities"], counts.written["language_entities"]) == (1, 1)
    assert (counts.rows["tags"], counts.written["tags"]) == (0, 0)
    for scope, rows in ((TEXT, texts), (AUDIO, audio)):
        found, _ = await drain(store, scope)
        assert {r.key: r for r in found} == {r.key: r for r in rows}
    stored = await store.package("eng-kjv")
    assert stored is not None
    assert await store.package_scopes("eng-kjv") == [AUDIO, TEXT]


async def test_imported_rows_are_never_pending(
    store: HotspotStore, tmp_path: Path, path: Path, edits: list[str]
) -> None:
    await store.publish(package(), staging(tmp_path / "s", [version_row(TEXT), verse(1)]), T2)
    columns = "sync_status, last_synced_at, local_updated_at, import_source"
    assert query(path, f"SELECT {columns} FROM verse_texts") == [("synced", None, None, "eng-kjv")]
    assert query(path, "SELECT * FROM record_sync_status") == []
    assert await store.pending_edits(10) == []
    assert edits == []


async def test_publishing_the_same_again_writes_and_tells_nothing(
    store: HotspotStore, tmp_path: Path
) -> None:
    file = staging(tmp_path / "s", [version_row(TEXT), verse(1)])
    await store.publish(package(), file, T2)
    _, token = await drain(store, TEXT)
    counts = await store.publish(package(), file, T2)
    assert (counts.rows["verse_texts"], counts.written["verse_texts"]) == (1, 0)
    assert (await drain(store, TEXT, token))[0] == []


async def test_only_what_is_later_and_says_something_else_replaces(
    store: HotspotStore, tmp_path: Path
) -> None:
    old = [verse(n, "Old", T1) for n in range(1, 5)]
    await store.publish(package(), staging(tmp_path / "a", [version_row(TEXT), *old]), T2)
    _, token = await drain(store, TEXT)
    incoming = [
        edited(old[0], "Earlier", T0),
        edited(old[1], "Same time", T1),
        old[2].stamped(T2),
        edited(old[3], "Later", T2),
    ]
    counts = await store.publish(package(), staging(tmp_path / "b", incoming), T2)
    assert counts.written["verse_texts"] == 1
    assert [await current(store, row) for row in old] == [*old[:3], incoming[3]]
    assert (await drain(store, TEXT, token))[0] == [incoming[3]], "phones are told of corrections"


@pytest.mark.parametrize("mark", [Mark.PENDING, Mark.CONFLICT])
async def test_an_edit_that_waits_or_is_disputed_is_never_replaced(
    store: HotspotStore, tmp_path: Path, mark: Mark
) -> None:
    row = verse(1)
    await store.publish(package(), staging(tmp_path / "a", [version_row(TEXT), row]), T2)
    mine = edited(row, "Mine", T1)
    await accept(store, accepted(mine, row))
    outcome = Outcome(table=row.table, id=row.id, mark=mark, base_version=row.version)
    await store.write_replica(lambda tx: tx.settle([outcome], T1))
    file = staging(tmp_path / "b", [edited(row, "From a stick", T2)])
    counts = await store.publish(package(version="2.0"), file, T2)
    assert counts.written["verse_texts"] == 0
    assert await current(store, row) == mine
    assert await losers(store) == []


async def test_what_was_once_edited_here_is_replaced_and_kept(
    store: HotspotStore, tmp_path: Path
) -> None:
    row = verse(1)
    await store.publish(package(), staging(tmp_path / "a", [version_row(TEXT), row]), T2)
    mine = edited(row, "Mine", T1)
    await accept(store, accepted(mine, row))
    settled = Outcome(table=row.table, id=row.id, record=mine, mark=Mark.SYNCED)
    await store.write_replica(lambda tx: tx.settle([settled], T1))
    later = edited(row, "From a stick", T2)
    await store.publish(package(version="2.0"), staging(tmp_path / "b", [later]), T2)
    assert await current(store, row) == later
    assert await losers(store) == [(mine.version, later.version, "server_wins")]
    await accept(store, accepted(edited(row, "Again", T2), later))
    (edit,) = await store.pending_edits(10)
    assert edit.pending.base_version == later.version


async def test_a_package_moves_no_record_to_another_version_or_verse(
    store: HotspotStore, tmp_path: Path
) -> None:
    row = verse(1)
    await store.publish(package(), staging(tmp_path / "a", [version_row(TEXT), row]), T2)
    stolen = records.make(row, T2, {**row.values, "text_version_id": OTHER_TEXT.id})
    moved = records.make(row, T2, {**row.values, "verse_id": "rev-22-21"})
    for n, bad in enumerate((stolen, moved)):
        other = package("bad", text=OTHER_TEXT.id)
        await store.publish(other, staging(tmp_path / f"{n}", [bad]), T2)
        assert await current(store, row) == row


async def test_context_follows_the_later_word(store: HotspotStore, tmp_path: Path) -> None:
    await store.publish(package(), staging(tmp_path / "a", [], "English"), T2)
    await store.publish(package(), staging(tmp_path / "b", [], "Same time"), T2)
    assert await language_name(store) == "English"
    later = staging(tmp_path / "c", [], "Later")
    change(later, "UPDATE language_entities SET updated_at = ?", T1)
    await store.publish(package(), later, T2)
    assert await language_name(store) == "Later"


async def test_audio_is_linked_to_the_package_that_has_it(
    store: HotspotStore, tmp_path: Path, path: Path
) -> None:
    files = [media_file(n) for n in (1, 2, 3)]
    linked = "SELECT local_path FROM media_files ORDER BY id"

    async def publish(version: str, *numbers: int) -> None:
        name = f"eng-audio-{version}.bible"
        audio = [chapter(media_file(n).id, name, n) for n in numbers]
        new = package("eng-audio", version, None, AUDIO.id, audio)
        await store.publish(new, staging(tmp_path / version, [version_row(AUDIO), *files]), T2)

    await publish("1.0", 1, 2)
    old = ("packages/eng-audio-1.0.bible",)
    assert query(path, linked) == [old, old, (None,)]
    await publish("2.0", 2, 3)
    new = ("packages/eng-audio-2.0.bible",)
    assert query(path, linked) == [(None,), new, new]
    assert await store.audio(media_file(1).id) is None
    other = package("other", "1.0", None, AUDIO.id)
    await store.publish(other, staging(tmp_path / "other", []), T2)
    await store.remove_package("eng-audio")
    assert query(path, linked) == [(None,)] * 3


async def test_a_package_that_cannot_be_merged_changes_nothing(
    store: HotspotStore, tmp_path: Path
) -> None:
    broken = staging(tmp_path / "s", [version_row(TEXT), verse(1)])
    change(broken, "UPDATE verse_texts SET verse_text = NULL")
    with pytest.raises(Exception, match="verse_text"):
        await store.publish(package(), broken, T2)
    assert await store.package("eng-kjv") is None
    assert await store.positions() == []
    with pytest.raises(HotspotError):
        await store.publish(package(), tmp_path / "nothing", T2)
    good = staging(tmp_path / "s", [version_row(TEXT), verse(1)])
    assert (await store.publish(package(), good, T2)).written["verse_texts"] == 1


async def test_a_whole_bible_is_one_position_of_the_feed(
    store: HotspotStore, tmp_path: Path, path: Path
) -> None:
    rows = [version_row(TEXT), *(verse(n) for n in range(3_000))]
    await store.publish(package(), staging(tmp_path / "s", rows), T2)
    assert query(path, "SELECT count(DISTINCT seq) FROM verse_texts") == [(1,)]
    found, _ = await drain(store, TEXT, limit=450)
    assert sorted(r.id for r in found) == sorted(r.id for r in rows)


async def test_the_spec_columns_of_a_package(
    store: HotspotStore, tmp_path: Path, path: Path
) -> None:
    await store.publish(package(), staging(tmp_path / "a", []), T1)
    await store.publish(package(version="1.1", imported_at=T2), staging(tmp_path / "b", []), T2)
    manifest = '{"packageId": "eng-kjv"}'
    about = "package_type, language_entity_id, audio_version_id, text_version_id, version, source"
    assert query(path, f"SELECT {about} FROM local_packages") == [
        ("text", LANGUAGE, None, TEXT.id, "1.1", "import")
    ]
    more = "imported_at, last_synced_at, sync_status, local_size_mb, created_at, updated_at"
    assert query(path, f"SELECT {more}, manifest_json FROM local_packages") == [
        (T2, None, "pending", 1.5, T1, T2, manifest)
    ]
