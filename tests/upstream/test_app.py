"""The upstream over HTTP: the whole way from a request to PostgreSQL and back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from hotspot import clock
from hotspot.http.auth import hash_token
from hotspot.http.serving import serve
from hotspot.model.stores import Device
from hotspot.upstream import devices, epochs
from hotspot.upstream.app import build_app
from hotspot.upstream.store import PostgresStore
from tests.upstream.builders import TEXT, add_verse, add_version, log

BOX = Device(id="d0000000-0000-4000-8000-00000000000b", name="Box", role="hotspot")
READER = Device(id="d0000000-0000-4000-8000-00000000000c", name="Reader", role="reader")
AUTHOR = "a0000000-0000-4000-8000-00000000000a"


@pytest.fixture
async def client(
    sql: asyncpg.Connection, store: PostgresStore
) -> AsyncIterator[aiohttp.ClientSession]:
    """Talks to the running app; the tokens 'box' and 'reader' are known."""
    await devices.add_device(sql, BOX, hash_token("box"))
    await devices.add_device(sql, READER, hash_token("reader"))
    app = build_app(store, await asyncio.to_thread(clock.wall), Path("packages"))
    async with (
        serve(app, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def post(
    client: aiohttp.ClientSession, path: str, body: object, token: str | None = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with client.post(f"/functions/v1/{path}", json=body, headers=headers) as response:
        return response.status, await response.json()


def change(verse: str, text: str, base: str) -> dict[str, object]:
    return {
        "table": "verse_texts",
        "recordId": verse,
        "operation": "UPDATE",
        "record": {"verse_text": text},
        "localTimestamp": "2026-11-22T10:00:00.000Z",
        "baseVersion": base,
        "changedBy": AUTHOR,
    }


async def pull(client: aiohttp.ClientSession, token: str | None = None) -> tuple[int, Any]:
    asked = {"textVersionId": TEXT.id, **({"nextToken": token} if token else {})}
    return await post(client, "sync/changes", {"scopes": [asked]})


async def test_an_edit_goes_up_once_and_comes_down(
    client: aiohttp.ClientSession, sql: asyncpg.Connection
) -> None:
    await add_version(sql)
    verse = await add_verse(sql, text="Old")
    _, page = await pull(client)
    base = next(one["version"] for one in page["changes"] if one["recordId"] == verse)
    body = {"batchId": "one", "changes": [change(verse, "New", base)]}
    status, first = await post(client, "sync/upload", body, "box")
    assert (status, first["applied"], first["results"][0]["status"]) == (200, 1, "applied")
    assert await post(client, "sync/upload", body, "box") == (200, first)
    status, page = await pull(client, page["scopes"][0]["nextToken"])
    assert [(one["record"]["verse_text"], one["changedBy"]) for one in page["changes"]] == [
        ("New", AUTHOR)
    ]
    assert page["changes"][0]["version"] == first["results"][0]["version"]
    assert [(entry["source"], entry["who"]) for entry in await log(sql)][1:] == [("sync", AUTHOR)]


async def test_a_batch_id_with_other_changes_is_a_conflict(
    client: aiohttp.ClientSession, sql: asyncpg.Connection
) -> None:
    await add_version(sql)
    verse = await add_verse(sql)
    for text, expected in (("New", 200), ("Other", 409)):
        body = {"batchId": "one", "changes": [change(verse, text, "no such version")]}
        assert (await post(client, "sync/upload", body, "box"))[0] == expected


async def test_the_loser_of_two_edits_is_kept(
    client: aiohttp.ClientSession, sql: asyncpg.Connection
) -> None:
    await add_version(sql)
    verse = await add_verse(sql, text="Server")
    body = {"changes": [change(verse, "Older", "an old version")]}
    _, answer = await post(client, "sync/upload", body, "box")
    assert answer["results"][0]["status"] == "server_wins"
    row = await sql.fetchrow("SELECT record ->> 'verse_text', resolution FROM losing_versions")
    assert row is not None
    assert tuple(row) == ("Older", "server_wins")
    assert await sql.fetchval("SELECT verse_text FROM verse_texts") == "Server"


async def test_who_may_not_write_does_not(
    client: aiohttp.ClientSession, sql: asyncpg.Connection
) -> None:
    verse = await add_verse(sql, text="Old")
    body = {"changes": [change(verse, "New", "version")]}
    assert (await post(client, "sync/upload", body))[0] == 401
    assert (await post(client, "sync/upload", body, "nobody"))[0] == 401
    status, answer = await post(client, "sync/upload", body, "reader")
    assert (status, answer["results"][0]["status"]) == (200, "rejected")
    assert await sql.fetchval("SELECT verse_text FROM verse_texts") == "Old"


async def test_a_token_of_another_epoch_is_410(
    client: aiohttp.ClientSession, sql: asyncpg.Connection
) -> None:
    await add_version(sql)
    _, page = await pull(client)
    await epochs.renew(sql)
    status, answer = await pull(client, page["scopes"][0]["nextToken"])
    assert (status, answer["code"]) == (410, "position_gone")


async def test_health_is_that_of_the_database(
    client: aiohttp.ClientSession, store: PostgresStore
) -> None:
    async with client.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    await store._pool.close()
    async with client.get("/healthz") as response:
        assert response.status == 503
