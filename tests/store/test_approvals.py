"""Approvals: which rows may go up, and of which file."""

from pathlib import Path

import pytest

from hotspot.errors import NotFound
from hotspot.model.records import Key
from hotspot.store.store import HotspotStore
from tests.contract.opened import (
    AUDIO,
    T0,
    T1,
    T2,
    TEXT,
    accept,
    accepted,
    edited,
    media_file,
    timing,
    verse,
    version_row,
)
from tests.store.support import bring, package, query, staging

ROWS = [
    version_row(TEXT),
    *(verse(n) for n in (3, 1, 2)),
    version_row(AUDIO),
    media_file(1),
    timing(1, 0.5),
]


@pytest.fixture
async def store(store: HotspotStore, tmp_path: Path) -> HotspotStore:
    """One package of texts and audio."""
    await store.publish(package(audio_version=AUDIO.id), staging(tmp_path / "staging", ROWS), T0)
    return store


async def test_an_approval_tells_that_there_is_something_to_send(
    store: HotspotStore, edits: list[str]
) -> None:
    assert (await store.approved(), await store.approvals()) == ([], [])
    await store.approve("eng-kjv")
    assert await store.approved() == [("eng-kjv", [AUDIO, TEXT])]
    (approval,) = await store.approvals()
    assert (approval.package_id, approval.finished_at, approval.reason) == ("eng-kjv", None, None)
    assert edits == ["edit"]


async def test_a_package_that_is_not_here_cannot_be_approved(
    store: HotspotStore, edits: list[str]
) -> None:
    with pytest.raises(NotFound):
        await store.approve("none")
    assert edits == []


async def test_rows_are_those_that_came_with_the_package(
    store: HotspotStore, tmp_path: Path
) -> None:
    await accept(store, accepted(edited(verse(1), "Edited", T1), verse(1)))
    await store.publish(package("other"), staging(tmp_path / "o", [verse(8), verse(2)]), T0)
    await bring(store, verse(9))
    assert await store.approved_rows("eng-kjv", TEXT) == [
        Key("text_versions", TEXT.id),
        verse(2).key,
        verse(3).key,
    ]
    assert await store.approved_rows("eng-kjv", AUDIO) == [
        Key("audio_versions", AUDIO.id),
        media_file(1).key,
        timing(1, 0.5).key,
    ]
    assert await store.approved_rows("other", TEXT) == [
        Key("text_versions", TEXT.id),
        verse(8).key,
    ]
    assert await store.rows([verse(3).key, verse(77).key]) == [verse(3)]


async def test_what_is_finished_is_not_sent_again_until_it_is_approved_again(
    store: HotspotStore,
) -> None:
    await store.approve("eng-kjv")
    await store.finish_approval("eng-kjv", "Refused.", T2)
    assert await store.approved() == []
    (approval,) = await store.approvals()
    assert (approval.finished_at, approval.reason) == (T2, "Refused.")
    await store.approve("eng-kjv")
    assert len(await store.approved()) == 1


async def test_an_approval_is_of_one_file(store: HotspotStore, tmp_path: Path, path: Path) -> None:
    await store.approve("eng-kjv")
    same = package(audio_version=AUDIO.id)
    await store.publish(same, staging(tmp_path / "same", ROWS), T2)
    assert len(await store.approved()) == 1
    await store.publish(package(sha256="cd" * 32), staging(tmp_path / "other", ROWS), T2)
    assert (await store.approved(), await store.approvals()) == ([], [])
    await store.remove_package("eng-kjv")
    assert query(path, "SELECT * FROM package_approvals") == []
