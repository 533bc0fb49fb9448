"""Whoever is not a paired device, or does not mean this server, changes nothing."""

import http.client
import json
import secrets
from typing import Any

import pytest

from hotspot.http.auth import hash_token
from tests.attacks.conftest import TEXT
from tests.system.nodes import Hotspot, run
from tests.system.phones import API, Answer, Phone, edit, verses

UPLOAD = f"{API}/sync/upload"
FOREIGN = ("http://evil.example", "null", "http://127.0.0.1:1", "https://localhost.evil.example")
REBOUND = ("evil.example", "127.0.0.1.evil.example", "bible.box.evil.example:8080")
CONFLICTS = f"{API}/conflicts"


def forge(hotspot: Hotspot, headers: dict[str, str]) -> Answer:
    """The answer to an edit that must not be."""
    body = json.dumps({"changes": [edit(verses(hotspot.url, TEXT)[0], "forged")]}).encode()
    return hotspot.request("POST", UPLOAD, body=body, headers=headers)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def lost(hotspot: Hotspot) -> str:
    """The token of a device that was revoked."""
    added = hotspot.ask("devices", "add", "--name", "Lost", "--role", "admin")
    done = run("devices", "revoke", added["deviceId"], settings=hotspot.settings)
    assert done.returncode == 0, done.stderr
    return str(added["token"])


@pytest.mark.parametrize("path", [UPLOAD, f"{CONFLICTS}/1/keep"])
def test_without_a_token(hotspot: Hotspot, path: str) -> None:
    assert hotspot.request("POST", path, body=b"{}").status == 401


def test_with_a_revoked_token(hotspot: Hotspot, lost: str) -> None:
    assert forge(hotspot, bearer(lost)).status == 401
    assert hotspot.request("GET", CONFLICTS, headers=bearer(lost)).status == 401


def test_with_guessed_tokens(hotspot: Hotspot, phone: Phone) -> None:
    near = phone.token[:-1] + ("A" if phone.token[-1] != "A" else "B")
    for guess in (near, phone.token[:-1], phone.token + "A", phone.token.swapcase(), "' OR 1=1"):
        assert forge(hotspot, bearer(guess)).status == 401
    for _ in range(20):
        assert forge(hotspot, bearer(secrets.token_urlsafe(32))).status == 401


def test_with_what_the_database_keeps_of_a_token(hotspot: Hotspot, phone: Phone) -> None:
    assert forge(hotspot, bearer(hash_token(phone.token))).status == 401


def test_with_the_token_of_another_device(hotspot: Hotspot, phone: Phone) -> None:
    other = hotspot.ask("devices", "list")[-1]["deviceId"]
    headers = {**phone.headers, "X-Device-ID": f"{other[:-1]}x"}
    assert forge(hotspot, headers).status == 403


def test_an_editor_decides_nothing(hotspot: Hotspot, phone: Phone) -> None:
    assert hotspot.request("GET", CONFLICTS, headers=phone.headers).status == 403
    kept = hotspot.request(
        "POST", f"{CONFLICTS}/1/keep", body=b'{"version":"local"}', headers=phone.headers
    )
    assert kept.status == 403


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_a_stranger_changes_nothing(hotspot: Hotspot, phone: Phone, origin: str) -> None:
    """Not even with a token that somebody gave away."""
    answer = forge(hotspot, {**phone.headers, "Origin": origin})
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in answer.headers
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = hotspot.request("OPTIONS", UPLOAD, headers=asked)
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert hotspot.request("POST", f"{API}/devices", headers={"Origin": origin}).status == 403


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_a_stranger_may_read(hotspot: Hotspot, origin: str) -> None:
    for path in (f"{API}/packages", "/rest/v1/verse_texts?limit=1"):
        answer = hotspot.request("GET", path, headers={"Origin": origin})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")


@pytest.mark.parametrize("host", REBOUND)
def test_a_name_that_was_led_here(hotspot: Hotspot, phone: Phone, host: str) -> None:
    headers = {**phone.headers, "Host": host, "Origin": f"http://{host}"}
    assert forge(hotspot, headers).status == 403
    assert forge(hotspot, {**phone.headers, "Host": host}).status == 403
    assert hotspot.request("GET", CONFLICTS, headers=headers).status == 403
    assert hotspot.request("POST", f"{API}/devices", headers={"Host": host}).status == 403


@pytest.mark.parametrize("headers", [{"Host": "bible.box"}, {"Origin": "capacitor://localhost"}])
def test_names_of_ours_and_pages_of_apps(
    hotspot: Hotspot, phone: Phone, headers: dict[str, Any]
) -> None:
    body = b'{"changes":[]}'
    answer = hotspot.request("POST", UPLOAD, body=body, headers={**phone.headers, **headers})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")


def test_what_a_stolen_phone_wrote_is_taken_back(hotspot: Hotspot) -> None:
    stolen = Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])
    verse = verses(hotspot.url, TEXT)[0]
    stolen.push([edit(verse, "forged")])
    found = next(
        one for one in reversed(hotspot.ask("devices", "list")) if one["revokedAt"] is None
    )
    assert run("devices", "revoke", found["deviceId"], settings=hotspot.settings).returncode == 0
    done = hotspot.ask("devices", "undo", found["deviceId"])
    assert (done["undone"], done["left"]) == (1, 0)
    standing = verses(hotspot.url, TEXT)[0]
    assert standing["record"]["verse_text"] == verse["record"]["verse_text"]


def test_the_admin_code_lets_admins_in(hotspot: Hotspot) -> None:
    code = hotspot.ask("devices", "code")["code"]
    admin = Phone.pair(hotspot.url, f"{code[:4]} {code[4:8]} {code[8:]}")
    assert hotspot.request("GET", CONFLICTS, headers=admin.headers).status == 200
    assert code not in hotspot.said()


def test_codes_cannot_be_guessed_from_many_addresses(hotspot: Hotspot) -> None:
    """Comes last: nobody may pair any more for a minute."""
    statuses = []
    for n in range(8):
        connection = http.client.HTTPConnection(
            "127.0.0.1", hotspot.port, timeout=20, source_address=(f"127.0.3.{n + 1}", 0)
        )
        connection.request("POST", f"{API}/devices", body=b'{"code":"nope","name":"Guesser"}')
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [403] * 5 + [429] * 3
