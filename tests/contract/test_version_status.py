"""How old a client's copy is, told alike by any store."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import msgspec
import pytest
from aiohttp import web

from hotspot import clock
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model import records
from hotspot.model.records import Record
from hotspot.model.tables import Scope
from hotspot.model.version_status import TableNews, VersionNews, VersionStatusStore
from hotspot.syncing import version_status
from tests.contract.opened import (
    AUDIO,
    OTHER_TEXT,
    T0,
    T1,
    T2,
    TEXT,
    Opened,
    accept,
    accepted,
    edited,
    media_file,
    timing,
    uuid,
    verse,
    version_row,
)

NOTHING = TableNews(added=0, updated=0, deleted=0)
VERSES = [verse(number) for number in range(1, 6)]


async def news(opened: Opened, scope: Scope, since: str | None) -> VersionNews | None:
    return await cast(VersionStatusStore, opened.store).version_news(scope, since)


async def known(opened: Opened, scope: Scope, since: str | None) -> VersionNews:
    found = await news(opened, scope, since)
    assert found is not None
    return found


def deleted(record: Record, at: str) -> Record:
    return records.make(record, at, {**record.values, "deleted_at": at})


def added(number: int, at: str) -> Record:
    return msgspec.structs.replace(verse(number, updated_at=at), created_at=at)


@pytest.fixture
async def text(opened: Opened) -> Opened:
    """A version of five verses, and another beside it that is newer."""
    await opened.seed([version_row(TEXT), *VERSES])
    await opened.seed([version_row(OTHER_TEXT, T2), verse(1, "Other", T2, OTHER_TEXT)])
    return opened


async def test_a_version_that_is_not_here_has_no_news(text: Opened) -> None:
    assert await news(text, AUDIO, None) is None


async def test_who_has_nothing_needs_all_rows(text: Opened) -> None:
    found = await known(text, TEXT, None)
    assert (found.latest, found.rows) == (T0, 6)
    assert {name: one.changes for name, one in found.tables.items()} == {
        "text_versions": 1,
        "verse_texts": 5,
    }


async def test_who_has_the_newest_stamp_needs_nothing(text: Opened) -> None:
    found = await known(text, TEXT, T0)
    assert (found.latest, found.rows) == (T0, 6)
    assert set(found.tables.values()) == {NOTHING}


async def test_each_newer_row_counts_once_by_what_became_of_it(text: Opened) -> None:
    await accept(text.store, accepted(edited(VERSES[0], "Edited", T1), VERSES[0]))
    await accept(text.store, accepted(deleted(VERSES[1], T2), VERSES[1]))
    await accept(text.store, accepted(added(6, T1)), accepted(added(7, T2)))
    found = await known(text, TEXT, T0)
    assert (found.latest, found.rows) == (T2, 8)
    assert found.tables["verse_texts"] == TableNews(added=2, updated=1, deleted=1)
    later = await known(text, TEXT, T1)
    assert later.tables["verse_texts"] == TableNews(added=1, updated=0, deleted=1)


async def test_audio_versions_count_files_and_timings(opened: Opened) -> None:
    await opened.seed([version_row(AUDIO), media_file(0), timing(1, 0.5), timing(2, 1.5, T2)])
    found = await known(opened, AUDIO, T0)
    assert (found.latest, found.rows) == (T2, 4)
    assert found.tables["media_files"] == NOTHING
    assert found.tables["media_files_verses"].changes == 1


@pytest.fixture
async def client(text: Opened) -> AsyncIterator[aiohttp.ClientSession]:
    """Talks to a server over the store."""
    now = await asyncio.to_thread(clock.wall)
    app = web.Application(middlewares=[error_middleware(now)])
    app.add_routes(version_status.routes(cast(VersionStatusStore, text.store)))
    async with (
        serve(app, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def ask(client: aiohttp.ClientSession, query: dict[str, str]) -> tuple[int, Any]:
    async with client.get("/functions/v1/sync/version-status", params=query) as response:
        return response.status, await response.json()


async def test_the_answer_to_an_old_copy(text: Opened, client: aiohttp.ClientSession) -> None:
    await accept(text.store, accepted(edited(VERSES[0], "Edited", T1), VERSES[0]))
    query = {"textVersionId": TEXT.id, "lastUpdated": T0}
    assert await ask(client, query) == (
        200,
        {
            "needsUpdate": True,
            "latestVersion": T1,
            "changes": 1,
            "updateRecommendation": "incremental",
            "changesSummary": {"verse_texts": {"added": 0, "updated": 1, "deleted": 0}},
        },
    )


async def test_whoever_names_the_latest_version_is_up_to_date(
    client: aiohttp.ClientSession,
) -> None:
    _, first = await ask(client, {"textVersionId": TEXT.id})
    assert (first["needsUpdate"], first["updateRecommendation"]) == (True, "full")
    query = {"textVersionId": TEXT.id, "lastUpdated": first["latestVersion"]}
    status, again = await ask(client, query)
    assert (status, again) == (
        200,
        {
            "needsUpdate": False,
            "latestVersion": first["latestVersion"],
            "changes": 0,
            "updateRecommendation": "none",
            "changesSummary": {},
        },
    )


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ({}, 400, "one textVersionId or one audioVersionId"),
        ({"textVersionId": TEXT.id, "audioVersionId": AUDIO.id}, 400, "or one audioVersionId"),
        ({"textVersionId": "x"}, 400, "not a record id"),
        ({"textVersionId": TEXT.id, "lastUpdated": "lately"}, 400, "lastUpdated must be a date"),
        ({"textVersionId": uuid(999)}, 404, "This version is not here."),
        ({"audioVersionId": TEXT.id}, 404, "This version is not here."),
    ],
)
async def test_what_cannot_be_told(
    client: aiohttp.ClientSession, query: dict[str, str], status: int, sentence: str
) -> None:
    answered, body = await ask(client, query)
    assert (answered, sentence in body["message"]) == (status, True), body
