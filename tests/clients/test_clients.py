"""Apps built on supabase-js, RxDB and WatermelonDB work with hotspots and with the server.

What they need of the protocol are the modules on the page for app developers.
"""

import pytest

from tests.clients.conftest import Run
from tests.clients.servers import Server
from tests.system.phones import verses

VERSES = 2_345
WRITTEN = {
    "One again, before it came back",
    "Two",
    "A new verse",
    "By Ben, later",
    "By Ana, later",
    "By Ben, at the same time",
    "The same verse, by Ben",
    "Seen at once",
}
LOST = {
    "By Ana, earlier",
    "By Ben, earlier",
    "By Ana, at the same time",
    "The same verse, by Ana",
    "By Ana, before it was deleted",
}


def test_supabase_js_reads_and_uploads(run: Run, server: Server) -> None:
    version = server.bring("supabase", VERSES)
    told = run("supabase.js", server.url, server.token("Ana"), version)
    assert len(told["byRange"]) == len(told["byLastId"]) == VERSES
    assert set(told["byRange"]) == set(told["byLastId"]) and len(set(told["byRange"])) == VERSES
    assert told["head"] == VERSES
    assert told["changes"] > 0
    assert [row["verse_id"] for row in told["some"]] == ["gen-1-4", "gen-1-3", "gen-1-2"]
    assert set(told["some"][0]) == {"verse_id", "verse_text"}
    assert (told["wrong"]["code"], told["none"]["code"]) == ("42703", "PGRST116")
    assert (told["uploaded"]["success"], told["after"]) == (True, "Hapo mwanzo")
    assert told["written"] == 405


@pytest.mark.parametrize(
    ("library", "deleted"),
    [("rxdb", {"gen-1-4", "gen-1-8"}), ("watermelon", {"gen-1-4", "gen-1-8", "gen-1-10"})],
    ids=["rxdb", "watermelon"],
)
def test_two_phones_end_with_what_the_server_has(
    run: Run, server: Server, library: str, deleted: set[str]
) -> None:
    version = server.bring(library, VERSES)
    told = run(f"{library}.js", server.url, server.token("Ana"), server.token("Ben"), version)
    rows = verses(server.url, version)
    live = {
        one["recordId"]: one["record"]["verse_text"] for one in rows if one["operation"] != "DELETE"
    }
    assert told["pulled"] == VERSES
    assert told["ana"] == told["ben"] == live
    assert {text for text in live.values() if not text.startswith("In the beginning")} == WRITTEN
    assert {row["record"]["verse_id"] for row in rows if row["recordId"] not in live} == deleted
    assert lost(server, version) >= LOST
    assert (told["rejected"], told["kept"]) == (["bad_record"], True)


def lost(server: Server, version: str) -> set[str]:
    """The texts that the server keeps of versions that lost."""
    kept = server.node.ask(*server.commands, "conflicts", "losers")
    records = [one["localRecord"] for one in kept]
    return {one["verse_text"] for one in records if one["text_version_id"] == version}
