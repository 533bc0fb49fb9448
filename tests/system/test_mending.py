"""A page of the database that goes bad while the hotspot runs: it mends itself, and goes on."""

from pathlib import Path

from tests.support.packages import text_package, version_id
from tests.system.nodes import Hotspot, run, until
from tests.system.phones import Phone, ask, edit, texts, verses

TEXT = version_id("text-text")
MANY = 3_000
PAGE = 4096
ALL = f"/rest/v1/verse_texts?text_version_id=eq.{TEXT}&limit=10000"


def test_a_page_that_goes_bad_is_mended_without_anybody(tmp_path: Path) -> None:
    node = Hotspot(tmp_path)
    try:
        node.start()
        node.ask("import", text_package(tmp_path, words="And it came to pass", verses=MANY))
        first, *_ = verses(node.url, TEXT)
        phone = Phone.pair(node.url, node.ask("devices", "pair")["code"])
        phone.push([edit(first, "typed by hand")])
        node.stop()
        node.start()
        process = node.process
        spoil(node.data / "hotspot.db", b"And it came to pass 2500")

        answer = ask(node.url, "GET", ALL)
        assert answer is not None and answer.status >= 500, "the page is read"
        until(lambda: mended(node))
        assert node.process is process, "it is the same process"
        until(lambda: len(texts(node.url, TEXT)) == MANY)
        assert texts(node.url, TEXT)[first["recordId"]] == "typed by hand"
        assert phone.upload("after", [edit(first, "typed again")]) is not None
        assert "Traceback" not in node.said()
    finally:
        node.end()


def spoil(database: Path, text: bytes) -> None:
    """Overwrites the page that has `text`."""
    content = database.read_bytes()
    with database.open("r+b") as file:
        file.seek(content.index(text) // PAGE * PAGE)
        file.write(b"\xff" * PAGE)


def mended(node: Hotspot) -> bool:
    told = run("status", "--json", settings=node.settings)
    return told.returncode == 0 and "was begun anew" in told.stdout
