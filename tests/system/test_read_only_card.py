"""A card that the kernel has made read-only: phones go on reading, and a person is told."""

import os
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("cut", [True, False], ids=["power cut", "stopped"])
def test_a_hotspot_starts_on_a_card_that_takes_no_writes(cut: bool, tmp_path: Path) -> None:
    needs("loop")
    image, folder = tmp_path / "card.img", tmp_path / "card"
    make_ext4(image, 96)
    node = Hotspot(tmp_path / "hotspot", data_dir=folder)
    with mounted(image, folder):
        try:
            node.start()
            package = text_package(tmp_path)
            node.ask("import", package)
            phone = Phone.pair(node.url, node.ask("devices", "pair")["code"])
            verse, *_ = verses(node.url, TEXT)
            phone.push([edit(verse, "typed before")])
        finally:
            if cut:
                node.kill()
            else:
                node.end()
    with mounted(image, folder, "ro"):
        try:
            node.start()
            answer = phone.upload("too late", [edit(verse, "typed too late")])
            assert answer is not None and answer.status == 503, answer
            assert texts(node.url, TEXT)[verse["recordId"]] == "typed before"
            download = ask(node.url, "GET", f"{API}/packages/text/download")
            assert download is not None and download.body == package.read_bytes()
            assert any(SENTENCE in told for told in node.ask("status")["notices"])
            assert "Another hotspot" in run("run", settings=node.settings).stderr
        finally:
            node.end()
    assert "Traceback" not in node.said()


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
