"""Tables over HTTP, as clients of PostgREST ask for them, from either kind of store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http import rest
from hotspot.http.errors import error_middleware
from hotspot.http.serving import serve
from hotspot.model import instants
from tests.contract.opened import T2, Opened, uuid, verse

ROWS = 30


@dataclass(frozen=True)
class Tables:
    """A store with ROWS verses, served."""

    client: aiohttp.ClientSession
    url: str

    async def get(
        self, query: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> tuple[aiohttp.ClientResponse, Any]:
        """The answer, and its JSON where it has any."""
        url = f"{self.url}/rest/v1/{query}"
        async with self.client.request(method, url, headers=headers) as response:
            body = await response.read()
            return response, await response.json(content_type=None) if body else None


@pytest.fixture
async def tables(opened: Opened) -> AsyncIterator[Tables]:
    await opened.seed([verse(n) for n in range(ROWS)])
    app = web.Application(middlewares=[error_middleware(Clock(instants.to_ms(T2)))])
    app.add_routes(rest.routes(opened.store))
    async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
        yield Tables(client, f"http://127.0.0.1:{port}")


async def test_a_query_is_answered_with_its_rows(tables: Tables) -> None:
    key = {"apikey": "anything", "Authorization": "Bearer anything"}
    query = "verse_texts?select=id,verse_id&verse_id=in.(gen-1-3,gen-1-5)&order=id.desc"
    response, rows = await tables.get(query, key)
    assert (response.status, response.headers["Content-Type"]) == (
        200,
        "application/json; charset=utf-8",
    )
    assert response.headers["Content-Range"] == "0-1/*"
    assert rows == [
        {"id": uuid(5), "verse_id": "gen-1-5"},
        {"id": uuid(3), "verse_id": "gen-1-3"},
    ]


@pytest.mark.parametrize(
    ("query", "headers", "status", "content_range", "count"),
    [
        ("", {}, 200, "0-29/*", 30),
        ("", {"Prefer": "count=exact"}, 200, "0-29/30", 30),
        ("limit=10&offset=5", {"Prefer": "count=exact"}, 206, "5-14/30", 10),
        ("", {"Prefer": "return=minimal, count=exact", "Range": "25-"}, 206, "25-29/30", 5),
        ("", {"Range": "3-4", "Range-Unit": "items"}, 200, "3-4/*", 2),
        ("limit=2", {"Range": "1-20"}, 200, "1-1/*", 1),
        ("", {"Range": "bytes=0-4"}, 200, "0-29/*", 30),
        ("version=eq.7", {"Prefer": "count=exact"}, 200, "*/0", 0),
        ("offset=40", {}, 200, "*/*", 0),
        ("limit=0", {"Prefer": "count=exact"}, 206, "*/30", 0),
    ],
)
async def test_the_range_and_the_count_are_told(
    tables: Tables,
    query: str,
    headers: dict[str, str],
    status: int,
    content_range: str,
    count: int,
) -> None:
    response, rows = await tables.get(f"verse_texts?{query}", headers)
    assert (response.status, response.headers["Content-Range"]) == (status, content_range)
    assert len(rows) == count
    head, nothing = await tables.get(f"verse_texts?{query}", headers, "HEAD")
    assert (head.status, head.headers["Content-Range"], nothing) == (status, content_range, None)


async def test_one_row_can_be_asked_for_as_an_object(tables: Tables) -> None:
    accept = {"Accept": "application/vnd.pgrst.object+json"}
    response, row = await tables.get(f"verse_texts?id=eq.{uuid(4)}", accept)
    assert response.content_type == accept["Accept"]
    assert row == verse(4).to_wire()
    for query, count in ((f"id=eq.{uuid(99)}", 0), ("limit=2", 2)):
        response, problem = await tables.get(f"verse_texts?{query}", accept)
        assert (response.status, problem["code"]) == (406, "PGRST116")
        assert problem["details"] == f"The result contains {count} rows"


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("devices", {}, 404, "PGRST205"),
        ("verse_texts?seq=eq.1", {}, 400, "42703"),
        ("verse_texts?version=eq.one", {}, 400, "22P02"),
        ("verse_texts?or=(version.eq.1", {}, 400, "PGRST100"),
        ("verse_texts?verse_text=eq.%00", {}, 400, "22P02"),
        ("verse_texts", {"Range": "5-4"}, 416, "PGRST103"),
        ("verse_texts?offset=40", {"Prefer": "count=exact"}, 416, "PGRST103"),
    ],
)
async def test_mistakes_are_told_in_postgrests_form(
    tables: Tables, query: str, headers: dict[str, str], status: int, code: str
) -> None:
    response, problem = await tables.get(query, headers)
    assert (response.status, problem["code"]) == (status, code)
    assert set(problem) == {"code", "message", "details", "hint"}


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_tables_are_read_only(tables: Tables, method: str) -> None:
    response, problem = await tables.get("verse_texts", method=method)
    assert (response.status, problem["code"]) == (405, "PGRST117")
    assert response.headers["Allow"] == "GET, HEAD"
    assert len((await tables.get("verse_texts"))[1]) == ROWS
