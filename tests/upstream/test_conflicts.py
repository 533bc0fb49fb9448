"""Conflicts on the server: closed by plain SQL too, and decided on the command line."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result

from hotspot.cli import main
from hotspot.model import instants
from hotspot.model.conflicts import KeptQuery, KeptVersion
from hotspot.model.records import Key, Record
from hotspot.model.stores import Loser
from hotspot.upstream.conflicts import PostgresConflicts
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import edited
from tests.upstream.builders import add_verse, add_version


@pytest.fixture
async def row(sql: asyncpg.Connection, store: PostgresStore) -> Record:
    """A verse that an operator wrote."""
    await add_version(sql)
    key = Key("verse_texts", await add_verse(sql))
    return (await store.write(lambda tx: tx.current([key])))[key]


async def dispute(store: PostgresStore, row: Record, sql: asyncpg.Connection) -> KeptVersion:
    """A version of the row that waits for a person."""
    mine = edited(row, "Mine", instants.later(row.updated_at, 100))
    loser = Loser(mine, row.version, "manual", "Simultaneous edits detected.", None)
    await store.write(lambda tx: tx.keep_losers([loser]))
    (found,) = await waiting(sql)
    return found


async def waiting(sql: asyncpg.Connection) -> list[KeptVersion]:
    return list(await PostgresConflicts(sql).kept_versions(KeptQuery(waiting=True)))


async def do(url: str, *arguments: str) -> Result:
    """Runs `hotspot upstream conflicts` on the database."""
    asked = ["upstream", "conflicts", *arguments]
    environment = {"HOTSPOT_DATABASE_URL": url}
    return await asyncio.to_thread(CliRunner().invoke, main, asked, env=environment)


async def ask(url: str, *arguments: str) -> Any:
    done = await do(url, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.mark.parametrize(
    ("statement", "open_"),
    [
        ("UPDATE verse_texts SET verse_text = 'By hand'", 0),
        ("UPDATE verse_texts SET deleted_at = now()", 0),
        ("DELETE FROM verse_texts", 0),
        ("UPDATE verse_texts SET updated_at = updated_at + interval '1 hour'", 1),
        ("UPDATE verse_texts SET verse_text = verse_text", 1),
    ],
)
async def test_plain_sql_closes_what_it_replaces(
    sql: asyncpg.Connection, store: PostgresStore, row: Record, statement: str, open_: int
) -> None:
    await dispute(store, row, sql)
    await sql.execute(statement)
    assert len(await waiting(sql)) == open_


async def test_a_person_lists_shows_and_decides(
    url: str, sql: asyncpg.Connection, store: PostgresStore, row: Record
) -> None:
    found = await dispute(store, row, sql)
    (listed,) = await ask(url)
    assert listed == await ask(url, "show", str(found.id))
    assert (listed["localRecord"]["verse_text"], listed["resolution"]) == ("Mine", "manual")
    shown = (await do(url, "show", str(found.id))).output
    assert "verse_text: Mine" in shown
    assert "verse_text: Text" in shown
    kept = await ask(url, "keep", str(found.id), "local")
    assert (kept["resolution"], kept["serverRecord"]["verse_text"]) == ("local_wins", "Mine")
    assert await ask(url, "list") == []
    again = await do(url, "keep", str(found.id), "server")
    assert again.exit_code == 1
    assert again.stderr == (
        f"hotspot: Conflict {found.id} is closed: the record has moved on since.\n"
    )
    lost, _ = await ask(url, "losers", "--record", row.id)
    await ask(url, "restore", str(lost["id"]))
    assert await sql.fetchval("SELECT verse_text FROM verse_texts") == "Text"


async def test_a_decision_is_logged_as_no_upload(
    url: str, sql: asyncpg.Connection, store: PostgresStore, row: Record
) -> None:
    found = await dispute(store, row, sql)
    await ask(url, "keep", str(found.id), "local")
    sources = await sql.fetch("SELECT change_source FROM change_log ORDER BY xid, seq")
    assert [source[0] for source in sources][-1] == "api"


@pytest.mark.parametrize("number", ["0", "999", str(10**30)])
async def test_what_was_never_kept_is_one_sentence(url: str, number: str) -> None:
    done = await do(url, "show", number)
    assert (done.exit_code, done.stderr) == (
        1,
        f"hotspot: No version with the number {number} was kept here.\n",
    )
