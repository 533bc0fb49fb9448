"""A hotspot and its server as processes that are stopped and killed: no edit is ever lost."""

import asyncio

import asyncpg

from hotspot.upstream.embedded import embedded
from tests.support.packages import version_id
from tests.system.nodes import Hotspot, Upstream, until
from tests.system.phones import Phone, edit, texts, verses
from tests.system.storm import Storm

TEXT = version_id("text-text")


def in_postgres(upstream: Upstream) -> dict[str, str]:
    """The verses' texts by their ids, read past the server from its database."""

    async def read() -> list[asyncpg.Record]:
        async with embedded(upstream.data) as url:
            connection = await asyncpg.connect(url)
            try:
                return list(await connection.fetch("SELECT id::text, verse_text FROM verse_texts"))
            finally:
                await connection.close()

    return {row["id"]: row["verse_text"] for row in asyncio.run(read())}


def paired(hotspot: Hotspot) -> Phone:
    return Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])


def arrived(upstream: Upstream, edits: dict[str, str]) -> bool:
    """Whether the server tells of all these texts."""
    return edits.items() <= texts(upstream.url, TEXT).items()


def test_edits_go_up_by_themselves_once_the_server_is_there(
    village: Hotspot, upstream: Upstream
) -> None:
    assert upstream.stop() == 0
    village.start()
    until(lambda: village.status()["upstreamReachable"] is False)
    first = verses(village.url, TEXT)[0]
    paired(village).push([edit(first, "typed while there was no server")])
    assert village.pending() == 1
    upstream.start()
    until(lambda: arrived(upstream, {first["recordId"]: "typed while there was no server"}))
    until(lambda: village.pending() == 0)
    assert village.status()["upstreamReachable"]


def test_no_acknowledged_edit_is_lost_when_the_hotspot_is_killed(
    village: Hotspot, upstream: Upstream
) -> None:
    village.start()
    with Storm(village, verses(village.url, TEXT)) as storm:
        until(lambda: len(storm.acknowledged) > 100)
        village.kill()
    acknowledged = storm.acknowledged
    assert storm.cut, "the storm was over before the hotspot was killed"
    village.start()
    assert acknowledged.items() <= texts(village.url, TEXT).items()
    until(lambda: village.pending() == 0)
    assert acknowledged.items() <= in_postgres(upstream).items()


def test_no_edit_is_lost_when_the_server_is_killed_while_it_receives(
    village: Hotspot, upstream: Upstream
) -> None:
    upstream.kill()
    village.start()
    phone = paired(village)
    edits = {one["recordId"]: f"new {n}" for n, one in enumerate(verses(village.url, TEXT))}
    phone.push([edit(one, edits[one["recordId"]]) for one in verses(village.url, TEXT)])
    upstream.start()
    until(lambda: village.pending() < len(edits))
    upstream.kill()
    assert village.pending() > 0, "all of it had been sent before the server was killed"
    assert texts(village.url, TEXT) == edits
    upstream.start()
    until(lambda: arrived(upstream, edits))
    until(lambda: village.pending() == 0)
    assert in_postgres(upstream) == edits
    assert village.status()["sync"]["conflicts"] == 0
