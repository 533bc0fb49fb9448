"""A card that the kernel has made read-only: phones go on reading, and a person is told."""

import os
from pathlib import Path

from tests.support.disks import make_ext4, mounted
from tests.support.packages import text_package, version_id
from tests.support.requirements import lacking, needs
from tests.support.sticks import wait_for
from tests.system.nodes import Hotspot, run
from tests.system.phones import API, Phone, ask, edit, texts, verses

TEXT = version_id("text-text")
SENTENCE = "The card of this hotspot cannot be written any more"


def test_a_card_that_becomes_read_only_goes_on_serving(tmp_path: Path) -> None:
    needs("loop")
    make_ext4(tmp_path / "card.img", 96)
    with mounted(tmp_path / "card.img", tmp_path / "card", "errors=remount-ro") as card:
        node = Hotspot(tmp_path / "hotspot", data_dir=card)
        try:
            node.start()
            serves_what_it_has(node, tmp_path, finds_an_error(card))
        finally:
            node.end()


def finds_an_error(card: Path) -> Path:
    """What to write to so that the kernel takes the file system for damaged."""
    number = card.stat().st_dev
    device = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve().name
    trigger = Path("/sys/fs/ext4") / device / "trigger_fs_error"
    if not trigger.exists():
        lacking("loop", "the kernel cannot be told that a file system has an error")
    return trigger


def serves_what_it_has(node: Hotspot, folder: Path, error: Path) -> None:
    package = text_package(folder)
    node.ask("import", package)
    phone = Phone.pair(node.url, node.ask("devices", "pair")["code"])
    first, second, *_ = verses(node.url, TEXT)
    phone.push([edit(first, "typed in time")])
    error.write_text("1")

    answer = phone.upload("too late", [edit(second, "typed too late")])
    assert answer is not None and answer.status == 503, answer
    assert answer.json["message"].startswith(SENTENCE)
    assert texts(node.url, TEXT)[first["recordId"]] == "typed in time"
    download = ask(node.url, "GET", f"{API}/packages/text/download")
    assert download is not None and download.body == package.read_bytes()
    late = run("import", text_package(folder, "late"), settings=node.settings)
    assert late.returncode == 1
    assert SENTENCE in late.stdout
    wait_for(lambda: any(SENTENCE in told for told in node.status()["notices"]))
    assert SENTENCE in node.said()
    assert "Traceback" not in node.said()
