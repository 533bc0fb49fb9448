"""Several gateway processes and many hotspots write the same rows of one database at once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from hotspot.http.auth import hash_token
from hotspot.model import instants, records
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Device, Provenance
from hotspot.model.tables import BY_NAME
from hotspot.upstream import devices
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import T1, TEXT, edited, uuid, verse, version_row
from tests.upstream.gateways import ANSWERED, Box, batch, gateway

BOXES = 6
VERSES = 100
HERE = [verse(number) for number in range(VERSES)]
BASE = {row.id: row.version for row in HERE}


@pytest.fixture
async def boxes(sql: asyncpg.Connection, store: PostgresStore) -> AsyncIterator[list[Box]]:
    """Hotspots of a server that has the version and the rows HERE."""
    by = Provenance(device_id=None)
    rows = [version_row(TEXT), *HERE]
    await store.write(lambda tx: tx.accept([Accepted(row, None, by) for row in rows]))
    await sql.execute("TRUNCATE change_log")
    async with aiohttp.ClientSession() as http:
        made = [Box(http, f"token {number}") for number in range(BOXES)]
        for number, box in enumerate(made):
            device = Device(id=uuid(number + (9 << 32)), name=f"Box {number}", role="hotspot")
            await devices.add_device(sql, device, hash_token(box.token))
        yield made


def edits_of(box: int) -> list[Record]:
    """What one box edited and made: rows that are here, new ones with ids that all boxes give
    them, and new ones with ids of its own. Later boxes' stamps are later."""
    stamp = instants.later(T1, 10_000 * box)
    rows = [*HERE, *(verse(VERSES + n) for n in range(VERSES)), *_own(box)]
    return [edited(row, f"{row.values['verse_id']} of {box}", stamp) for row in rows]


def _own(box: int) -> list[Record]:
    """The ids of two boxes are in opposite orders."""
    numbers = [n if box % 2 else VERSES - n for n in range(VERSES)]
    return [
        records.build(
            BY_NAME["verse_texts"],
            uuid((box + 10 << 32) + number),
            {**HERE[0].values, "verse_id": f"gen-2-{n + 1}", "created_at": T1},
            T1,
        )
        for n, number in enumerate(numbers)
    ]


async def texts(sql: asyncpg.Connection) -> tuple[dict[str, str], dict[str, set[str]]]:
    """The text that stands of each verse, and those that lost."""
    standing = await sql.fetch(
        "SELECT verse_id, verse_text FROM verse_texts WHERE deleted_at IS NULL"
    )
    lost = await sql.fetch(
        "SELECT record ->> 'verse_id' AS verse, record ->> 'verse_text' AS text"
        " FROM losing_versions"
    )
    losers = defaultdict(set)
    for row in lost:
        losers[row["verse"]].add(row["text"])
    return {row["verse_id"]: row["verse_text"] for row in standing}, losers


def written(answers: Sequence[Any]) -> Counter[str]:
    """How often each record was written, by what the answers say."""
    results = [result for answer in answers for result in answer["results"]]
    assert {result["status"] for result in results} <= ANSWERED
    return Counter(
        result.get("canonicalId", result["recordId"])
        for result in results
        if result["status"] in ("applied", "local_wins")
    )


async def logged(sql: asyncpg.Connection) -> Counter[str]:
    """How often each record was written, by what the change log says."""
    rows = await sql.fetch("SELECT record_id::text AS id FROM change_log")
    return Counter(row["id"] for row in rows)


async def test_opposite_orders_at_two_gateways_lose_nothing_and_do_nothing_twice(
    url: str, sql: asyncpg.Connection, boxes: list[Box], tmp_path: Path
) -> None:
    """Every batch goes to both gateways at the same time, under one id. Rows that are there, new
    ones and new ones of other ids come apart, or the locks of the first would guard the others."""
    async with AsyncExitStack() as stack:
        started = (stack.enter_async_context(gateway(url, tmp_path)) for _ in range(2))
        one, other = await asyncio.gather(*started)
        sent = []
        for number, box in enumerate(boxes):
            edits = edits_of(number)[:: 1 if number % 2 else -1]
            for start in range(0, len(edits), VERSES):
                body = batch(f"{start}", edits[start : start + VERSES], BASE)
                sent += [box.upload([at.url], body) for at in (one, other)]
        answers = await asyncio.gather(*sent)
    assert answers[::2] == answers[1::2]
    assert await logged(sql) == written(answers[::2])
    standing, losers = await texts(sql)
    assert len(standing) == 3 * VERSES
    for verse_id, text in standing.items():
        assert text == f"{verse_id} of {BOXES - 1}"
        assert losers[verse_id] | {text} == {f"{verse_id} of {n}" for n in range(BOXES)}
    assert (
        await sql.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        == 0
    )


@pytest.mark.parametrize("fault", ["upload.judged", "upload.committed"])
async def test_a_gateway_killed_in_an_upload_leaves_the_edits_to_the_other(
    url: str, sql: asyncpg.Connection, boxes: list[Box], tmp_path: Path, fault: str
) -> None:
    async with gateway(url, tmp_path, fault) as first, gateway(url, tmp_path) as second:
        edits = edits_of(0)
        answer = await boxes[0].upload([first.url, second.url], batch("b", edits, BASE))
        assert await first.ended() == -9
    assert boxes[0].refused == [None]
    assert [result["status"] for result in answer["results"]] == ["applied"] * len(edits)
    assert await logged(sql) == Counter(row.id for row in edits)
    standing, losers = await texts(sql)
    assert sorted(standing.values()) == sorted(str(row.values["verse_text"]) for row in edits)
    assert not losers
