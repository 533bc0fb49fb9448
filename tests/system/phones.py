"""Phones as the protocol sees them: plain HTTP, and nothing of the project."""

import http.client
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

API = "/functions/v1"
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    url: str,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Answer | None:
    """The answer to one request on a new connection; None where there is none."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Phone:
    """A paired phone."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    @classmethod
    def pair(cls, url: str, code: str) -> "Phone":
        """A phone that has shown the code."""
        body = json.dumps({"code": code, "name": "Ana's phone"}).encode()
        answer = ask(url, "POST", f"{API}/devices", body=body)
        assert answer is not None and answer.status == 201, answer
        return cls(url, answer.json["token"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Client-Time": now()}

    def upload(self, batch_id: str, changes: list[Any]) -> Answer | None:
        """Pushes one batch."""
        body = json.dumps({"batchId": batch_id, "changes": changes}).encode()
        return ask(self.url, "POST", f"{API}/sync/upload", body=body, headers=self.headers)

    def push(self, changes: list[Any]) -> list[Any]:
        """Pushes edits that have to be accepted; the results."""
        answer = self.upload(f"{time.time_ns()}", changes)
        assert answer is not None and answer.status == 200, answer
        assert answer.json["success"], answer.json
        results: list[Any] = answer.json["results"]
        return results


def edit(verse: dict[str, Any], text: str) -> dict[str, Any]:
    """The change that gives a verse, as the feed told of it, a new text."""
    return {
        "table": "verse_texts",
        "recordId": verse["recordId"],
        "operation": "UPDATE",
        "record": {"verse_text": text},
        "localTimestamp": now(),
        "baseVersion": verse["version"],
    }


def verses(url: str, text_version: str) -> list[dict[str, Any]]:
    """A text version's verses, as its feed tells of them from its beginning; ordered by id."""
    records: dict[str, Any] = {}
    scope: dict[str, Any] = {"textVersionId": text_version}
    more = True
    while more:
        asked = json.dumps({"scopes": [scope], "maxChanges": 5000}).encode()
        answer = ask(url, "POST", f"{API}/sync/changes", body=asked)
        assert answer is not None and answer.status == 200, answer
        [state] = answer.json["scopes"]
        records.update({change["recordId"]: change for change in answer.json["changes"]})
        scope["nextToken"], more = state["nextToken"], state.get("hasMore", False)
    found = [change for change in records.values() if change["table"] == "verse_texts"]
    return sorted(found, key=lambda change: str(change["recordId"]))


def texts(url: str, text_version: str) -> dict[str, str]:
    """The texts of a version's verses, by their ids."""
    return {one["recordId"]: one["record"]["verse_text"] for one in verses(url, text_version)}
