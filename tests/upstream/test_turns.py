"""Adding rows of one version is done in turns; edits of rows that are known wait for nobody."""

import asyncio

import pytest

from hotspot.model.changes import adding, parse_changes
from hotspot.model.stores import RecordTransaction
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import AUDIO, TEXT, verse

VERSION = "2026-11-22T10:00:00.000Z~0011223344556677"


async def test_who_adds_to_a_version_waits_for_who_does_already(store: PostgresStore) -> None:
    order: list[str] = []
    first_has_it, go_on = asyncio.Event(), asyncio.Event()

    async def first(tx: RecordTransaction) -> None:
        await tx.take_turns([TEXT])
        first_has_it.set()
        await go_on.wait()
        order.append("first")

    async def second(tx: RecordTransaction) -> None:
        await tx.take_turns([TEXT, AUDIO])
        order.append("second")

    async def other(tx: RecordTransaction) -> None:
        await tx.take_turns([])
        order.append("other")
        go_on.set()

    one = asyncio.create_task(store.write(first))
    await first_has_it.wait()
    two = asyncio.create_task(store.write(second))
    await store.write(other)
    await asyncio.gather(one, two)
    assert order == ["other", "first", "second"]


@pytest.mark.parametrize(
    ("change", "adds"),
    [
        (b'"operation":"INSERT","baseVersion":"' + VERSION.encode() + b'"', True),
        (b'"operation":"UPDATE"', True),
        (b'"operation":"DELETE"', True),
        (b'"operation":"UPDATE","baseVersion":"' + VERSION.encode() + b'"', False),
        (b'"operation":"UPDATE","baseUpdatedAt":"2026-11-22T10:00:00.000Z"', False),
        (b'"operation":"DELETE","baseVersion":"' + VERSION.encode() + b'"', False),
    ],
)
def test_what_may_add_is_told_by_the_change(change: bytes, adds: bool) -> None:
    row = verse(1)
    told = b'{"table":"verse_texts","recordId":"%s","record":{"text_version_id":"%s"},%s}'
    (one,) = parse_changes([told % (row.id.encode(), TEXT.id.encode(), change)])  # type: ignore[list-item]
    assert adding([one]) == ({TEXT} if adds else set())
