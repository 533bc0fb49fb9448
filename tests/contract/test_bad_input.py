"""Requests that no honest client sends, to the real app over either store: each is answered with
a sentence, nothing is half applied, and the server goes on."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hotspot.clock import Clock
from hotspot.http.auth import hash_token
from hotspot.http.messages import MAX_BODY
from hotspot.http.serving import serve
from hotspot.model import instants
from hotspot.model.records import Record
from hotspot.model.stores import Device
from hotspot.phones import app as phones
from hotspot.store.store import HotspotStore
from hotspot.syncing.digests import DigestEndpoint
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.upstream import app as upstream
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import (
    OTHER_TEXT,
    T2,
    TEXT,
    Opened,
    drain,
    uuid,
    verse,
    version_row,
)

UPLOAD, CHANGES, DIGEST = "sync/upload", "sync/changes", "sync/digest"
ANA = Device(id=uuid(900), name="Ana's phone", role="editor")
GUEST = Device(id=uuid(901), name="Guest", role="editor", scopes=frozenset({OTHER_TEXT.id}))
ROWS = [version_row(TEXT), version_row(OTHER_TEXT), verse(1), verse(2), verse(3, scope=OTHER_TEXT)]
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Server:
    """The app over one store, with ROWS in it; the tokens 'ana' and 'guest' are known."""

    client: aiohttp.ClientSession
    port: int
    opened: Opened

    async def post(
        self, path: str, body: bytes, token: str | None = "ana", **headers: str
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        sent = {**headers, "Authorization": f"Bearer {token}"} if token else headers
        url = f"http://127.0.0.1:{self.port}/functions/v1/{path}"
        async with self.client.post(url, data=body, headers=sent) as response:
            return response.status, await response.json()

    async def judged(self, *changes: Any, token: str = "ana") -> list[dict[str, Any]]:
        """The results of an upload of changes: JSON values, or bytes that stand for one."""
        raw = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in changes]
        body = b'{"changes": [' + b", ".join(raw) + b"]}"
        status, answer = await self.post(UPLOAD, body, token)
        assert status == 200, answer
        results: list[dict[str, Any]] = answer["results"]
        assert len(results) == len(changes)
        return results

    async def rows(self) -> list[Record]:
        """All that the store has, by id."""
        found = [row for scope in (TEXT, OTHER_TEXT) for row in (await drain(self.store, scope))[0]]
        return sorted(found, key=lambda row: (row.table, row.id))

    @property
    def store(self) -> Any:
        return self.opened.store


@pytest.fixture
async def server(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Server]:
    """Goes on in the end, and has not logged a traceback."""
    await opened.seed(ROWS)
    for device, token in ((ANA, "ana"), (GUEST, "guest")):
        await opened.add_device(device, hash_token(token))
    app = _app(opened.store, tmp_path)
    async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as client:
        yield Server(client, port, opened)
        async with client.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200
        assert not any(record.exc_info for record in caplog.records)


def _app(store: Any, folder: Path) -> web.Application:
    clock = Clock(instants.to_ms(T2))
    if isinstance(store, PostgresStore):
        return upstream.build_app(store, clock, folder)
    assert isinstance(store, HotspotStore)
    sync = SyncEndpoints(store, store, clock).routes()
    return phones.build_app(
        packages=store,
        devices=store,
        folder=folder,
        clock=clock,
        name="Village",
        ready=lambda: asyncio.sleep(0),
        routes=[*sync, *DigestEndpoint(store, clock).routes()],
    )


def edit(number: int = 1, text: str = "New", **more: Any) -> dict[str, Any]:
    row = verse(number)
    return {
        "table": row.table,
        "recordId": row.id,
        "record": {"verse_text": text},
        "localTimestamp": T2,
        "baseVersion": row.version,
        **more,
    }


def raw(record: bytes) -> bytes:
    """A change of the first verse whose record is these bytes."""
    return b'{"table": "verse_texts", "recordId": "%b", "record": %b}' % (
        uuid(1).encode(),
        record,
    )


def refused(answer: tuple[int, Any], status: int) -> str:
    """The sentence of an answer with this status, which has the form of every error."""
    assert answer[0] == status, answer
    assert all(answer[1].get(name) for name in ("error", "timestamp", "requestId", "code"))
    return str(answer[1]["message"])


GARBAGE: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "broken": (b"{{{", 400),
    "not UTF-8": (b"\xff\xfe\x00", 400),
    "a list": (b"[]", 400),
    "a number": (b"1", 400),
    "wrong types": (b'{"changes": "all", "scopes": "all"}', 400),
    "NaN": (b'{"changes": NaN, "scopes": NaN}', 400),
    "NaN inside": (b'{"changes": [{"record": NaN}], "scopes": [NaN]}', 400),
    "deep": (b'{"changes": [%b], "scopes": [%b]}' % ((b"[" * 90_000 + b"]" * 90_000,) * 2), 400),
    "cut": (b'{"changes": [{"table": "verse_te', 400),
    "huge": (b" " * (MAX_BODY + 1), 413),
    "gzip bomb": (gzip.compress(b" " * (64 * MEGABYTE)), 413),
    "gzip cut": (gzip.compress(b'{"changes": [], "scopes": []}')[:-4], 400),
}


@pytest.mark.parametrize("path", [UPLOAD, CHANGES, DIGEST])
async def test_garbage_is_refused_with_a_sentence(server: Server, path: str) -> None:
    for name, (body, status) in GARBAGE.items():
        sentence = refused(await server.post(path, body), status)
        assert sentence.endswith("."), name
    assert await server.rows() == _sorted(ROWS)


@pytest.mark.parametrize(
    ("path", "bodies"),
    [
        (
            CHANGES,
            [
                {},
                {"packageId": 5},
                {"packageId": "a\0b"},
                {"scopes": [{}]},
                {"scopes": [{"textVersionId": "a\0b"}]},
                {"scopes": [{"textVersionId": TEXT.id, "audioVersionId": TEXT.id}]},
                {"scopes": [{"textVersionId": TEXT.id, "nextToken": "no token"}]},
                {"scopes": [{"textVersionId": TEXT.id, "nextToken": "a\0b"}]},
                {"scopes": [{"textVersionId": TEXT.id}] * 2_001},
                {"scopes": [], "tables": ["sqlite_master"]},
                {"scopes": [], "tables": ["a\0b"]},
                {"scopes": [], "recordIds": ["a\0b"]},
                {"scopes": [], "maxChanges": "all"},
                {"scopes": [], "maxChanges": 1e300},
                {"scopes": [], "lastSyncTimestamp": "2026-02-30"},
                {"scopes": [], "lastSyncTimestamp": "0001-01-01T00:00:00+23:59"},
                {"scopes": [], "lastSyncTimestamp": "9999-12-31T23:59:59-23:59"},
            ],
        ),
        (
            UPLOAD,
            [
                {},
                {"changes": [], "batchId": "a\0b"},
                {"changes": [], "batchId": "\ud800"},
                {"changes": [], "batchId": "b" * 201},
                {"changes": [], "batchId": 7},
                {"changes": [{}] * 10_001},
            ],
        ),
        (
            DIGEST,
            [
                {},
                {"scopes": [{}]},
                {"scopes": [{"textVersionId": "a\0b"}]},
                {"scopes": [{"textVersionId": TEXT.id, "ranges": [["a", "\0"]]}]},
                {"scopes": [{"textVersionId": TEXT.id, "ranges": [[1, 2]]}]},
                {"scopes": [{"textVersionId": TEXT.id, "lists": "all"}]},
            ],
        ),
    ],
    ids=[CHANGES, UPLOAD, DIGEST],
)
async def test_what_a_request_says_is_checked(
    server: Server, path: str, bodies: Sequence[Any]
) -> None:
    for body in bodies:
        status, answer = await server.post(path, json.dumps(body).encode())
        assert status in (400, 404, 410), (body, answer)
        refused((status, answer), status)


@pytest.mark.parametrize(("most", "count"), [(-5, 1), (0, 1), (10**30, 3)])
async def test_a_page_has_a_sensible_size(server: Server, most: int, count: int) -> None:
    body = {"scopes": [{"textVersionId": TEXT.id}], "maxChanges": most}
    status, page = await server.post(CHANGES, json.dumps(body).encode())
    assert (status, len(page["changes"]), page["hasMore"]) == (200, count, count == 1)


BAD_CHANGES: dict[str, tuple[Any, str]] = {
    "no object": (5, "bad_change"),
    "nothing": ({}, "bad_change"),
    "no UTF-8": (raw(b'{"verse_text": "\xff"}'), "bad_change"),
    "a surrogate in bytes": (raw(b'{"verse_text": "\xed\xa0\x80"}'), "bad_change"),
    "no UTF-8 in a name": (b'{"table": "verse_texts", "recordId": "\xff"}', "bad_change"),
    "half a character": (raw(rb'{"verse_text": "a\ud800"}'), "bad_record"),
    "NUL": (edit(text="a\0b"), "bad_record"),
    "NUL in an id": (edit(recordId="a\0b"), "bad_record"),
    "NUL in a table": (edit(table="a\0b"), "unknown_table"),
    "NUL in an author": (edit(changedBy="a\0b"), "bad_record"),
    "NUL in a column's name": (edit(record={"a\0b": "x"}), "bad_record"),
    "NUL in a name": (
        {
            "table": "verse_texts",
            "recordId": uuid(800),
            "operation": "INSERT",
            "record": {"text_version_id": TEXT.id, "verse_id": "a\0b", "verse_text": "x"},
        },
        "bad_record",
    ),
    "NUL in a stamp": (edit(localTimestamp="a\0b"), "bad_change"),
    "no stamp": (edit(localTimestamp="0001-01-01T00:00:00+23:59"), "bad_change"),
    "a stamp of no year": (edit(localTimestamp="9999-12-31T23:59:59-23:59"), "bad_change"),
    "infinity": (raw(b'{"version": 1e999}'), "bad_change"),
    "a vast number": (raw(b'{"version": 1%b}' % (b"0" * 400)), "bad_record"),
    "a fraction": (raw(b'{"version": 1.5}'), "bad_record"),
    "true for a number": (edit(record={"version": True}), "bad_record"),
    "a text for a precision": (edit(precisionMs="an hour"), "bad_change"),
    "10 MB": (edit(text="x" * 10 * MEGABYTE), "bad_record"),
    "depth": (raw(b'{"verse_text": %b}' % (b"[" * 500 + b"]" * 500)), "bad_record"),
    "another table": (edit(table="sqlite_master"), "unknown_table"),
    "another column": (edit(record={"no_such_column": 1}), "bad_record"),
    "a column's type": (edit(record={"verse_text": {"a": 1}}), "bad_record"),
    "an empty text": (edit(record={"verse_text": None}), "bad_record"),
    "another operation": (edit(operation="TRUNCATE"), "bad_change"),
    "another version": (edit(record={"text_version_id": OTHER_TEXT.id}), "forbidden"),
    "the server's table": (
        {"table": "text_versions", "recordId": TEXT.id, "record": {"name": "Mine"}},
        "forbidden",
    ),
    "an unknown version": (
        {
            "table": "verse_texts",
            "recordId": uuid(801),
            "record": {"text_version_id": uuid(802), "verse_id": "gen-1-1", "verse_text": "x"},
        },
        "unknown_scope",
    ),
}


async def test_a_bad_change_is_rejected_alone(server: Server) -> None:
    bad = [change for change, _ in BAD_CHANGES.values()]
    *rejected, applied = await server.judged(*bad, edit(2, "Also sent"))
    told = dict(zip(BAD_CHANGES, rejected, strict=True))
    assert {one["status"] for one in rejected} == {"rejected"}
    assert {name: one["code"] for name, one in told.items()} == {
        name: code for name, (_, code) in BAD_CHANGES.items()
    }
    assert all(one["reason"].endswith(".") for one in rejected)
    unnamed = {name for name, one in told.items() if not one["recordId"]}
    assert unnamed == {"no object", "nothing", "no UTF-8 in a name"}
    assert applied["status"] == "applied"
    texts = {row.id: row.values.get("verse_text") for row in await server.rows()}
    assert texts.pop(uuid(2)) == "Also sent"
    assert texts == {row.id: row.values.get("verse_text") for row in ROWS if row.id != uuid(2)}


async def test_a_batch_that_comes_again_late_changes_nothing(server: Server) -> None:
    async def push(batch: str, change: dict[str, Any]) -> Any:
        body = json.dumps({"batchId": batch, "changes": [change]}).encode()
        status, answer = await server.post(UPLOAD, body)
        assert status == 200
        return answer

    first = await push("first", edit(1, "First"))
    await push("second", edit(1, "Second", baseVersion=first["results"][0]["version"]))
    rows = await server.rows()
    assert await push("first", edit(1, "First")) == first
    assert await server.rows() == rows
    assert await server.opened.losers() == []


async def test_an_id_twice_in_a_batch_is_judged_in_order(server: Server) -> None:
    first, second, third = await server.judged(edit(1, "One"), edit(1, "Two"), edit(1, "One"))
    assert [one["status"] for one in (first, second, third)] == [
        "applied",
        "manual_required",
        "duplicate",
    ]
    (row,) = [row for row in await server.rows() if row.id == uuid(1)]
    assert row.values["verse_text"] == "One"
    assert [loser.record.values["verse_text"] for loser in await server.opened.losers()] == ["Two"]


async def test_who_is_limited_to_versions_changes_no_others(server: Server) -> None:
    mine = verse(3, scope=OTHER_TEXT)
    own = edit(recordId=mine.id, baseVersion=mine.version)
    new = {**verse(9).values, "verse_text": "Added"}
    added = edit(recordId=uuid(9), record=new)
    results = await server.judged(edit(1), own, added, token="guest")
    assert [(one["status"], one.get("code")) for one in results] == [
        ("rejected", "forbidden"),
        ("applied", None),
        ("rejected", "forbidden"),
    ]
    assert "may change other versions only" in results[0]["reason"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic dXNlcjpwYXNz", "Bearer of-another-server", "Bearer \xff"]
)
async def test_a_token_of_elsewhere_is_nobodys(server: Server, header: str) -> None:
    body = json.dumps({"changes": [edit()]}).encode()
    headers = {"Authorization": header} if header else {}
    refused(await server.post(UPLOAD, body, None, **headers), 401)
    assert await server.rows() == _sorted(ROWS)


async def test_a_wrong_client_time_is_refused(server: Server) -> None:
    body = json.dumps({"changes": [edit()]}).encode()
    for stamp in ("yesterday", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"):
        refused(await server.post(UPLOAD, body, **{"X-Client-Time": stamp}), 400)
    assert await server.rows() == _sorted(ROWS)


async def test_a_body_that_stops_half_way_changes_nothing(server: Server) -> None:
    body = json.dumps({"batchId": "cut", "changes": [edit()]}).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = "POST /functions/v1/sync/upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ana\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-5])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await server.rows() == _sorted(ROWS)
    status, answer = await server.post(UPLOAD, body)
    assert (status, answer["applied"]) == (200, 1)


def _sorted(rows: Sequence[Record]) -> list[Record]:
    return sorted(rows, key=lambda row: (row.table, row.id))


async def test_a_package_that_is_not_here_is_asked_for_elsewhere(server: Server) -> None:
    sentence = refused(await server.post(CHANGES, b'{"packageId": "eng-kjv-text"}'), 404)
    assert sentence == (
        "There is no package 'eng-kjv-text' here: ask a hotspot that has it, or name its versions"
        " in 'scopes'."
    )
