"""Path tricks and ranges in every parameter: answered in order, and never with what is ours."""

import http.client
import json

import pytest

from tests.attacks.conftest import TEXT
from tests.system.nodes import Hotspot
from tests.system.phones import API, Phone

TRICKS = [
    "../hotspot.db",
    "..%2fhotspot.db",
    "%2e%2e%2fhotspot.db",
    "..%252fhotspot.db",
    "..%5c..%5chotspot.db",
    "%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "%00",
    "text%00.bible",
    "%c0%ae%c0%ae%2fhotspot.db",
    "%ff",
    "%0d%0aX-Injected:%201",
    "'%20OR%201=1--",
    "%25",
    "a" * 4_000,
    ".",
    "~root",
    "%F0%9F%92%A9",
]
PLACES = [
    API + "/packages/{}",
    API + "/packages/{}/download",
    API + "/media/{}",
    API + "/conflicts/{}",
    API + "/packages?languageEntityId={}",
    API + "/packages?packageType={}",
    API + "/packages?limit={}",
    API + "/sync/version-status?textVersionId={}",
    API + "/sync/version-status?textVersionId=" + TEXT + "&lastUpdated={}",
    "/packages/{}",
    "/rest/v1/{}",
    "/rest/v1/verse_texts?select={}",
    "/rest/v1/verse_texts?id=eq.{}",
    "/rest/v1/verse_texts?order={}",
    "/?offset={}",
    "/{}",
]
DATABASE, PASSWORDS = b"SQLite format 3", b"root:"


@pytest.mark.parametrize("place", PLACES)
def test_tricks_in_addresses(hotspot: Hotspot, phone: Phone, place: str) -> None:
    for trick in TRICKS:
        answer = hotspot.request("GET", place.format(trick), headers=phone.headers)
        assert answer.status < 500, trick
        assert DATABASE not in answer.body and PASSWORDS not in answer.body, trick
        assert "X-Injected" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_methods_that_no_address_has(hotspot: Hotspot, method: str) -> None:
    for path in ("/", f"{API}/packages", f"{API}/packages/text/download", "/nowhere"):
        assert hotspot.request(method, path).status in (403, 404, 405)


@pytest.mark.parametrize("trick", ["../hotspot.db", "/etc/passwd", "a\0b", "\ud800", "x" * 100_000])
def test_tricks_in_bodies(hotspot: Hotspot, phone: Phone, trick: str) -> None:
    for path, body in (
        ("sync/changes", {"packageId": trick}),
        ("sync/changes", {"scopes": [{"textVersionId": trick}]}),
        ("sync/changes", {"scopes": [{"textVersionId": TEXT, "nextToken": trick}]}),
        ("sync/changes", {"scopes": [{"textVersionId": TEXT}], "recordIds": [trick]}),
        ("sync/digest", {"scopes": [{"textVersionId": TEXT, "ranges": [[trick, trick]]}]}),
        ("sync/upload", {"batchId": trick, "changes": []}),
        ("devices", {"code": trick, "name": "Phone"}),
    ):
        sent = json.dumps(body).encode()
        answer = hotspot.request("POST", f"{API}/{path}", body=sent, headers=phone.headers)
        assert answer.status < 500, (path, body)
        assert DATABASE not in answer.body


@pytest.mark.parametrize(
    "ranges",
    [
        ",".join(f"{n}-{n}" for n in range(0, 1_200, 2)),
        ",".join(["0-"] * 1_000),
        ",".join(f"-{n}" for n in range(1, 1_000)),
        "0-" + "9" * 5_000,
        "-" * 3_000,
    ],
)
def test_ranges_by_the_thousand(hotspot: Hotspot, ranges: str) -> None:
    """The answer is never more than the file."""
    path = f"{API}/packages/text/download"
    size = int(hotspot.request("HEAD", path).headers["Content-Length"])
    answer = hotspot.request("GET", path, headers={"Range": f"bytes={ranges}"})
    assert answer.status in (200, 206, 416)
    assert len(answer.body) <= size + 200_000


def test_paths_as_no_client_writes_them(hotspot: Hotspot) -> None:
    for path in ("//etc/passwd", "http://evil.example/", "*", "/..;/x", "/%", "/a?b?c#d", "/\\.."):
        connection = http.client.HTTPConnection("127.0.0.1", hotspot.port, timeout=20)
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", "127.0.0.1")
        connection.endheaders()
        assert connection.getresponse().status < 500
        connection.close()
