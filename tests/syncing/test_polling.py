"""Sessions with nothing to say: one request, and as few bytes as it takes."""

from typing import Any

import pytest

from hotspot.model.wire import UNKNOWN_SCOPE, ChangesRequest, ChangesResponse, scope_request
from hotspot.syncing import fetching
from tests.contract.opened import OTHER_TEXT, T1, TEXT, edited, verse
from tests.syncing.conftest import Pair


async def test_nothing_to_say_is_one_request(pair: Pair) -> None:
    await pair.synced()
    pair.trouble.requests.clear()
    report = await pair.synced()
    assert (report.requests, report.uploaded, report.downloaded) == (1, 0, 0)
    assert pair.trouble.requests == ["changes"]


async def test_a_version_of_which_there_is_nothing_new_is_not_told_of(pair: Pair) -> None:
    asked = ChangesRequest(scopes=[scope_request(TEXT), scope_request(OTHER_TEXT)])
    (start, _) = (await pair.upstream.changes(asked)).scopes
    assert start.next_token is not None
    read = scope_request(TEXT, start.next_token)
    asked = ChangesRequest(scopes=[read, scope_request(OTHER_TEXT)], moved_only=True)
    (unknown,) = (await pair.upstream.changes(asked)).scopes
    assert (unknown.scope, unknown.status) == (OTHER_TEXT, UNKNOWN_SCOPE)
    await pair.edit_server(edited(verse(2), "corrected there", T1))
    news = await pair.upstream.changes(asked)
    assert [state.scope for state in news.scopes] == [TEXT, OTHER_TEXT]
    assert len(news.changes) == 1


async def test_who_asks_without_having_read_hears_of_every_version(pair: Pair) -> None:
    asked = ChangesRequest(scopes=[scope_request(TEXT)], max_changes=1, moved_only=True)
    assert [state.scope for state in (await pair.upstream.changes(asked)).scopes] == [TEXT]


async def test_a_poll_with_nothing_to_say_is_answered_with_no_version(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.synced()
    await pair.synced()
    answers = []
    merge = fetching.Fetches._merge

    async def merging(self: fetching.Fetches, answer: ChangesResponse, followed: Any) -> None:
        answers.append(answer)
        await merge(self, answer, followed)

    monkeypatch.setattr(fetching.Fetches, "_merge", merging)
    await pair.synced()
    assert [answer.scopes for answer in answers] == [[]]
