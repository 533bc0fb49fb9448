"""Deciding conflicts from a phone: over the real store, for admins only."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http.auth import hash_token
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model import instants
from hotspot.model.stores import Device, Loser
from hotspot.phones import conflicts
from hotspot.store.store import HotspotStore
from tests.contract.opened import T1, T2, TEXT, edited, verse, version_row
from tests.store.support import bring

ADMIN = Device(id="d0000000-0000-4000-8000-0000000000ad", name="Mzee", role="admin")
EDITOR = Device(id="d0000000-0000-4000-8000-0000000000ed", name="Amina", role="editor")


@dataclass
class Village:
    store: HotspotStore
    client: aiohttp.ClientSession
    url: str

    async def ask(
        self, path: str = "", token: str | None = "admin", body: object = None
    ) -> tuple[int, Any]:
        """GET, or POST where there is a body."""
        method = "GET" if body is None else "POST"
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/functions/v1/conflicts{path}"
        async with self.client.request(method, url, headers=headers, json=body) as response:
            return response.status, await response.json()


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    """A hotspot where Amina's edit of a verse was too close to another to tell."""
    clock = await asyncio.to_thread(Clock, instants.to_ms(T2))
    async with HotspotStore.open(tmp_path / "hotspot.db", clock) as store:
        for device in (ADMIN, EDITOR):
            await store.add_device(device, hash_token(device.role))
        await bring(store, version_row(TEXT), verse(1))
        lost = edited(verse(1), "Hers", T1)
        loser = Loser(lost, verse(1).version, "manual", "Simultaneous edits detected.", EDITOR.id)
        await store.write(lambda tx: tx.keep_losers([loser]))
        app = web.Application(middlewares=[error_middleware(clock)])
        app.add_routes(conflicts.routes(store, store))
        async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
            yield Village(store, client, f"http://127.0.0.1:{port}")


async def test_an_admin_sees_both_versions_and_chooses(village: Village) -> None:
    status, listed = await village.ask()
    (conflict,) = listed["conflicts"]
    assert (status, conflict["deviceName"], conflict["resolution"]) == (200, "Amina", "manual")
    assert conflict["localRecord"]["verse_text"] == "Hers"
    assert conflict["serverRecord"]["verse_text"] == "In the beginning"
    path = f"/{conflict['id']}"
    assert await village.ask(path) == (200, conflict)
    status, decided = await village.ask(f"{path}/keep", body={"version": "local"})
    assert (status, decided["resolution"]) == (200, "local_wins")
    assert decided["serverRecord"]["verse_text"] == "Hers"
    assert await village.ask() == (200, {"conflicts": []})
    (edit,) = await village.store.pending_edits(10)
    assert edit.record.values["verse_text"] == "Hers"


async def test_a_second_admin_hears_that_it_is_closed(village: Village) -> None:
    path = f"/{(await village.ask())[1]['conflicts'][0]['id']}/keep"
    assert (await village.ask(path, body={"version": "server"}))[0] == 200
    status, error = await village.ask(path, body={"version": "local"})
    assert (status, error["code"]) == (404, "not_found")
    assert "closed" in error["message"]
    assert await village.store.pending_edits(10) == []


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("stolen", 401), ("editor", 403)])
async def test_nobody_else_sees_or_decides_anything(
    village: Village, token: str | None, status: int
) -> None:
    number = (await village.ask())[1]["conflicts"][0]["id"]
    keep = {"version": "local"}
    assert (await village.ask("", token))[0] == status
    assert (await village.ask(f"/{number}", token))[0] == status
    assert (await village.ask(f"/{number}/keep", token, keep))[0] == status
    assert (await village.ask())[1]["conflicts"][0]["id"] == number


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/0", None, 404),
        ("/x", None, 404),
        ("/٣", None, 404),
        ("/" + "9" * 40, None, 404),
        ("/1/keep", {"version": "both"}, 400),
        ("/1/keep", {}, 400),
        ("?limit=0", None, 400),
    ],
)
async def test_what_cannot_be_asked(village: Village, path: str, body: object, status: int) -> None:
    assert (await village.ask(path, body=body))[0] == status
