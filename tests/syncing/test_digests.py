"""`sync/digest` as any client sees it: what it answers, and what it does not do for strangers."""

from typing import Any

import pytest

from hotspot.model.digest import WHOLE
from hotspot.syncing import digests
from tests.contract.opened import AUDIO, TEXT, uuid
from tests.syncing.conftest import Pair

Answer = tuple[int, dict[str, Any]]


async def ask(pair: Pair, *scopes: dict[str, Any]) -> Answer:
    """One question without a token, as JSON; the status and the answer."""
    url = f"{pair.upstream._url}/functions/v1/sync/digest"
    async with pair.upstream._session.post(url, json={"scopes": list(scopes)}) as response:
        return response.status, await response.json()


def of_text(**question: Any) -> dict[str, Any]:
    return {"textVersionId": TEXT.id, **question}


async def test_sums_and_rows_come_in_the_order_of_the_question(pair: Pair) -> None:
    status, answer = await ask(pair, of_text(ranges=[["", "f"], ["f", ""]], lists=[["", "f"]]))
    (state,) = answer["scopes"]
    (whole,) = (await pair.server.store.digest([(TEXT, [WHOLE])]))[0].sums
    assert (status, state["textVersionId"], [count for count, _ in state["sums"]]) == (
        200,
        TEXT.id,
        [1, 5],
    )
    total = sum(int(fingerprint, 16) for _, fingerprint in state["sums"])
    assert f"{total % 2**64:016x}" == whole.fingerprint
    ((table, id_, _),) = state["rows"]
    assert (table, id_) == ("text_versions", TEXT.id)
    assert state["nextToken"]
    assert answer["serverTimestamp"]


async def test_a_version_that_is_not_there_is_unknown(pair: Pair) -> None:
    status, answer = await ask(pair, {"audioVersionId": AUDIO.id, "ranges": [["", ""]]})
    (state,) = answer["scopes"]
    assert (status, state["status"]) == (200, "unknown_scope")
    assert "nextToken" not in state


@pytest.mark.parametrize(
    ("scopes", "sentence"),
    [
        ([{"ranges": []}], "Each scope names one"),
        ([{"textVersionId": "x"}], "not a record id"),
        ([of_text(), of_text()], "each once"),
        ([of_text(ranges=[["", ""], ["", ""]])], "in order and apart"),
        ([of_text(lists=[["8", "9"], ["1", "2"]])], "in order and apart"),
        ([of_text(ranges=[["2", "1"]])], "ends before it starts"),
        ([of_text(ranges=[["'", ""]])], "not the beginning of a record id"),
        ([of_text(ranges=[["1", 2]])], "not understood"),
        ([{"textVersionId": uuid(n)} for n in range(digests.MAX_SCOPES + 1)], "ask in several"),
        (
            [of_text(ranges=[[f"{n:04x}", f"{n + 1:04x}"] for n in range(digests.MAX_RANGES + 1)])],
            "ask in several",
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_a_sentence(
    pair: Pair, scopes: list[dict[str, Any]], sentence: str
) -> None:
    status, answer = await ask(pair, *scopes)
    assert (status, sentence in answer["message"]) == (400, True), answer


async def test_too_many_rows_are_not_listed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MAX_ROWS", 4)
    status, answer = await ask(pair, of_text(lists=[["", "f"], ["f", ""]]))
    assert status == 400
    assert "smaller ranges" in answer["message"]
    monkeypatch.setattr(digests, "MAX_ROWS", 6)
    status, answer = await ask(pair, of_text(lists=[["", "f"], ["f", ""]]))
    assert len(answer["scopes"][0]["rows"]) == 6
