"""Requests that no honest phone sends, to a running hotspot: each is answered, nothing is lost."""

import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.packages import text_package, version_id
from tests.system.nodes import Hotspot
from tests.system.phones import API, Phone, edit, texts, verses

UPLOAD, CHANGES = f"{API}/sync/upload", f"{API}/sync/changes"
PACKAGE = "text"
TEXT = version_id("text-text")
MEGABYTE = 1 << 20
STRANGER = "99999999-9999-4999-8999-999999999999"


@pytest.fixture(scope="module")
def hotspot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotspot]:
    """One hotspot for all of them, with a package on it."""
    folder = tmp_path_factory.mktemp("system")
    node = Hotspot(folder / "hotspot")
    with ExitStack() as stack:
        stack.callback(node.end)
        node.start()
        node.ask("import", text_package(folder))
        yield node


@pytest.fixture(scope="module")
def phone(hotspot: Hotspot) -> Phone:
    return Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])


@pytest.fixture(autouse=True)
def nothing_is_lost(hotspot: Hotspot) -> Iterator[None]:
    """Whatever a test sends, all texts are as before, and the log has no traceback."""
    before = texts(hotspot.url, TEXT)
    yield
    assert hotspot.answers()
    assert texts(hotspot.url, TEXT) == before
    assert "Traceback" not in hotspot.said()


def refused(answer: Any, status: int) -> str:
    """The sentence of an answer that has this status."""
    assert answer.status == status, answer
    told = answer.json
    assert told["requestId"] and told["timestamp"] and told["code"], told
    return str(told["message"])


@pytest.mark.parametrize(
    ("authorization", "sentence"),
    [
        (None, "This needs a token"),
        ("Bearer", "This needs a token"),
        ("Basic dXNlcjpwYXNz", "This needs a token"),
        ("Bearer wrong", "not known here"),
        ("Bearer \xff\xfe", "not known here"),
    ],
)
def test_an_upload_needs_a_valid_token(
    hotspot: Hotspot, authorization: str | None, sentence: str
) -> None:
    body = json.dumps({"changes": [edit(verses(hotspot.url, TEXT)[0], "forged")]}).encode()
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = hotspot.request("POST", UPLOAD, body=body, headers=headers)
    assert sentence in refused(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_is_for_its_own_device_alone(hotspot: Hotspot, phone: Phone) -> None:
    headers = {**phone.headers, "X-Device-ID": STRANGER}
    refused(hotspot.request("POST", UPLOAD, body=b'{"changes":[]}', headers=headers), 403)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{{{", 400),
        (b"[]", 400),
        (b"\xff\xfe\x00", 400),
        (b'{"changes": "all"}', 400),
        (b'{"changes": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", 400),
        (b" " * (17 * MEGABYTE), 413),
        (gzip.compress(b" " * (64 * MEGABYTE)), 413),
        (gzip.compress(b'{"changes": []}')[:-4], 400),
    ],
    ids=["empty", "broken", "list", "binary", "text", "deep", "huge", "bomb", "cut"],
)
def test_garbage_is_refused_with_a_sentence(
    hotspot: Hotspot, phone: Phone, body: bytes, status: int
) -> None:
    refused(hotspot.request("POST", UPLOAD, body=body, headers=phone.headers), status)


@pytest.mark.parametrize("change", [1, "verse", None, [], {}, {"table": 5}])
def test_what_is_no_row_is_rejected_alone(hotspot: Hotspot, phone: Phone, change: Any) -> None:
    verse = verses(hotspot.url, TEXT)[0]
    answer = phone.upload(
        f"no row {change!r}", [change, edit(verse, verse["record"]["verse_text"])]
    )
    assert answer is not None and answer.status == 200
    bad, good = answer.json["results"]
    assert (bad["status"], bad["code"]) == ("rejected", "bad_change")
    assert good["status"] == "duplicate"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"table": "no_such_table"}, "unknown_table"),
        ({"table": "sqlite_master"}, "unknown_table"),
        ({"recordId": "no-uuid"}, "bad_record"),
        ({"record": {"verse_text": 5}}, "bad_record"),
        ({"record": {"verse_text": "a\0b"}}, "bad_record"),
        ({"record": {"no_such_column": "x"}}, "bad_record"),
        ({"record": None}, "bad_change"),
        ({"operation": "EXPLODE"}, "bad_change"),
        ({"localTimestamp": "yesterday"}, "bad_change"),
        ({"record": {"text_version_id": STRANGER}}, "forbidden"),
        (
            {
                "table": "text_versions",
                "recordId": TEXT,
                "record": {"name": "Mine"},
            },
            "forbidden",
        ),
    ],
)
def test_a_change_that_must_not_be_says_why(
    hotspot: Hotspot, phone: Phone, wrong: dict[str, Any], code: str
) -> None:
    change = {**edit(verses(hotspot.url, TEXT)[0], "wrong"), **wrong}
    answer = phone.upload(f"wrong {wrong}"[:200], [change])
    assert answer is not None and answer.status == 200, answer
    [result] = answer.json["results"]
    assert (result["status"], result.get("code")) == ("rejected", code), result
    assert result["reason"].endswith(".")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"packageId": 5}, 400),
        ({"packageId": "unknown"}, 404),
        ({"packageId": PACKAGE, "nextToken": "no token"}, 410),
        ({"packageId": PACKAGE, "nextToken": "a.b.c"}, 400),
        ({"packageId": PACKAGE, "tables": ["sqlite_master"]}, 400),
        ({"packageId": PACKAGE, "lastSyncTimestamp": "yesterday"}, 400),
        ({"scopes": [{}]}, 400),
        ({"scopes": [{"textVersionId": "' OR 1=1 --"}]}, 400),
        ({"scopes": [{"textVersionId": STRANGER}] * 2001}, 400),
    ],
)
def test_reading_from_nowhere_is_refused(hotspot: Hotspot, body: Any, status: int) -> None:
    refused(hotspot.request("POST", CHANGES, body=json.dumps(body).encode()), status)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", UPLOAD, "POST"),
        ("DELETE", f"{API}/packages", "GET,HEAD"),
        ("PUT", f"{API}/packages/{PACKAGE}/download", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    hotspot: Hotspot, method: str, path: str, allowed: str
) -> None:
    answer = hotspot.request(method, path)
    refused(answer, 405)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/no/such/page",
        "/../../etc/passwd",
        f"{API}/packages/unknown",
        f"{API}/packages/..%2f..%2fhotspot.db/download",
        f"{API}/packages/%00/download",
        f"{API}/media/{STRANGER}",
    ],
)
def test_unknown_paths_are_not_found(hotspot: Hotspot, path: str) -> None:
    refused(hotspot.request("GET", path), 404)


def test_codes_cannot_be_guessed(hotspot: Hotspot) -> None:
    """Comes last: this address may not try any more for a minute."""
    wrong = json.dumps({"code": "no code", "name": "Guesser"}).encode()
    answers = [hotspot.request("POST", f"{API}/devices", body=wrong) for _ in range(6)]
    assert [answer.status for answer in answers] == [403] * 5 + [429]
