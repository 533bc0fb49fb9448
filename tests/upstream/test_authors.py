"""Who made a change: from a phone through a hotspot, and by plain SQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from aiohttp import web

from hotspot.http.auth import hash_token
from hotspot.http.serving import serve
from hotspot.model.stores import Device
from hotspot.syncing.endpoints import SyncEndpoints
from tests.contract.opened import verse
from tests.upstream.builders import add_verse, add_version
from tests.upstream.serving import BOX, Hub, Server, hotspot, running

STRANGER = "a0000000-0000-4000-8000-0000000000ff"
PHONE = Device(id="d0000000-0000-4000-8000-0000000000f1", name="Ruth's phone", role="editor")


@pytest.fixture
async def server(url: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(url, tmp_path) as server:
        yield server


@pytest.fixture
async def hub(server: Server, tmp_path: Path) -> AsyncIterator[Hub]:
    async with hotspot(server, tmp_path) as hub:
        await hub.store.add_device(PHONE, hash_token("phone"))
        yield hub


async def upload(hub: Hub, server: Server, text: str, changed_by: str | None) -> None:
    """A phone pushes one verse to the hotspot."""
    app = web.Application()
    app.add_routes(SyncEndpoints(hub.store, hub.store, hub.clock).routes())
    change = {"table": "verse_texts", "recordId": verse(1).id, "record": {"verse_text": text}}
    change |= {"baseVersion": verse(1).version}
    change |= {"changedBy": changed_by} if changed_by is not None else {}
    async with serve(app, "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}/functions/v1/sync/upload"
        headers = {"Authorization": "Bearer phone"}
        async with server.http.post(url, json={"changes": [change]}, headers=headers) as answer:
            assert (await answer.json())["applied"] == 1


@pytest.mark.parametrize("changed_by", [STRANGER, None])
async def test_the_author_comes_with_the_edit_and_is_made_known(
    sql: asyncpg.Connection, server: Server, hub: Hub, changed_by: str | None
) -> None:
    await upload(hub, server, "By a phone", changed_by)
    await hub.sync()
    row = await sql.fetchrow(
        "SELECT l.changed_by::text, l.change_source, u.device_id::text, v.updated_by::text"
        " FROM change_log l JOIN users u ON u.id = l.changed_by"
        " JOIN verse_texts v ON v.id = l.record_id"
        " WHERE l.new_data ->> 'verse_text' = 'By a phone'"
    )
    assert row is not None
    author = changed_by or PHONE.id
    assert tuple(row) == (author, "sync", BOX.id, author)


async def test_plain_sql_may_name_an_author_that_nobody_knows(sql: asyncpg.Connection) -> None:
    await add_version(sql)
    await add_verse(sql)
    await sql.execute("UPDATE verse_texts SET verse_text = 'New', updated_by = $1", STRANGER)
    row = await sql.fetchrow(
        "SELECT changed_by::text, change_source, db_role = current_user,"
        " old_data ->> 'verse_text', new_data ->> 'verse_text'"
        " FROM change_log ORDER BY xid DESC, seq DESC LIMIT 1"
    )
    assert row is not None
    assert tuple(row) == (STRANGER, "api", True, "Text", "New")
    assert await sql.fetchval("SELECT count(*) FROM users WHERE id = $1", STRANGER) == 1
