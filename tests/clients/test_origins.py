"""Apps that are pages of an origin of their own reach both servers as a browser lets them."""

import json

import pytest

from tests.clients.servers import Server
from tests.system.phones import Answer, ask

HEADERS = {"Origin": "capacitor://localhost"}


def asked(server: Server, method: str, path: str, **headers: str) -> Answer:
    answer = ask(server.url, method, path, headers={**HEADERS, **headers}, body=b"{}")
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("path", "method", "sent"),
    [
        ("/functions/v1/sync/changes", "POST", {"content-type", "x-client-time"}),
        ("/functions/v1/sync/upload", "POST", {"authorization", "content-type", "x-client-time"}),
        ("/functions/v1/media/none", "GET", {"range", "if-range"}),
        ("/functions/v1/catalogue", "GET", {"if-none-match"}),
        ("/rest/v1/verse_texts", "GET", {"apikey", "prefer", "range", "x-client-info"}),
    ],
)
def test_a_browser_lets_a_page_ask(server: Server, path: str, method: str, sent: set[str]) -> None:
    answer = asked(server, "OPTIONS", path, **{"Access-Control-Request-Method": method})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    assert sent <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/functions/v1/sync/changes", 400),
        ("POST", "/functions/v1/sync/upload", 401),
        ("GET", "/functions/v1/media/none", 404),
        ("GET", "/rest/v1/verse_texts?limit=0", 200),
        ("GET", "/rest/v1/devices", 404),
        ("PUT", "/functions/v1/sync/upload", 405),
    ],
)
def test_a_page_may_read_every_answer(server: Server, method: str, path: str, status: int) -> None:
    answer = asked(server, method, path)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert isinstance(json.loads(answer.body), dict | list)


def test_pages_of_other_origins_may_not_read_what_is_for_people(hotspot: Server) -> None:
    assert "Access-Control-Allow-Origin" not in asked(hotspot, "GET", "/").headers
