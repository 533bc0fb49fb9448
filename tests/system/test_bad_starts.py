"""A hotspot that cannot begin says why in one sentence, without a traceback."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.packages import combined_package, text_package, version_id
from tests.support.requirements import needs
from tests.system.nodes import Hotspot, free_port, run
from tests.system.phones import Phone, edit, texts, verses

TEXT = version_id("text-text")
BARE = {"HOTSPOT_HTTP_HOST": "127.0.0.1"}
SENTENCE = re.compile(r"hotspot: \S.*\.")


def sentences(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines on stderr of a command that failed, each a sentence."""
    assert done.returncode == 1, done
    assert not done.stdout, done.stdout
    lines = done.stderr.splitlines()
    assert all(SENTENCE.fullmatch(line) for line in lines), done.stderr
    return lines


def run_fails(**settings: str | Path) -> str:
    """The one sentence with which `hotspot run` ends at once."""
    given = {f"HOTSPOT_{name.upper()}": str(value) for name, value in settings.items()}
    [sentence] = sentences(run("run", settings={**BARE, **given}))
    return sentence


def test_every_mistake_in_the_settings_is_told(tmp_path: Path) -> None:
    settings = tmp_path / "hotspot.toml"
    settings.write_text('http_port = 99999\nnmae = "Village"\nupstream_url = "ftp://x"\n')
    told = sentences(run("--config", settings, "run"))
    assert len(told) == 3
    for name in ("http_port", "nmae", "upstream_url"):
        assert any(f"'{name}'" in line for line in told), told


@pytest.mark.parametrize("content", [None, b"data_dir = [", b"\xff\xfe"])
def test_settings_that_cannot_be_read_are_told(tmp_path: Path, content: bytes | None) -> None:
    settings = tmp_path / "hotspot.toml"
    if content is not None:
        settings.write_bytes(content)
    [told] = sentences(run("--config", settings, "status"))
    assert str(settings) in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run", "--fast"],
        ["import"],
        ["import", "/no/such/file"],
        ["devices", "revoke"],
        ["package", "inspect"],
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done
    assert done.stderr.startswith("Usage: ")
    assert not done.stdout


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = run_fails(data_dir=tmp_path, http_port=str(port))
    assert f"Port {port} " in told


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    told = run_fails(data_dir=tmp_path, http_host="203.0.113.7", http_port=str(free_port()))
    assert "203.0.113.7" in told


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert str(tmp_path / "data") in run_fails(data_dir=tmp_path / "data")


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    needs("loop")
    with tmpfs(tmp_path / "card", "ro") as card:
        complaint = run_fails(data_dir=card)
        assert "check that the data folder is there and may be written" in complaint


def test_a_data_folder_whose_name_is_too_long_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    assert "too long" in run_fails(data_dir=folder, http_port=str(free_port()))


def test_a_database_that_is_none_is_set_aside(tmp_path: Path) -> None:
    content = b"this is no database" * 1000
    (tmp_path / "hotspot.db").write_bytes(content)
    told = run("status", settings={**BARE, "HOTSPOT_DATA_DIR": str(tmp_path)})
    assert told.returncode == 0
    assert "Notice: The database was damaged and was begun anew" in told.stdout
    assert (tmp_path / "hotspot.db.damaged-1").read_bytes() == content


def test_the_data_folder_is_for_one_process(hotspot: Hotspot) -> None:
    told = run_fails(data_dir=hotspot.data, http_port=str(free_port()))
    assert "Another hotspot process uses" in told
    assert hotspot.status()["parts"]["drives"]["running"]


@contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory at `folder`, mounted with `options`."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(card: Path) -> Path:
    """A file that leaves no room on the card."""
    ballast = card / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_full_card_refuses_and_loses_nothing(tmp_path: Path) -> None:
    needs("loop")
    with tmpfs(tmp_path / "card", "size=80m") as card:
        node = Hotspot(tmp_path / "hotspot", data_dir=card)
        try:
            node.start()
            fills_the_card(node, card, tmp_path)
        finally:
            node.end()


def fills_the_card(node: Hotspot, card: Path, folder: Path) -> None:
    node.ask("import", text_package(folder))
    phone = Phone.pair(node.url, node.ask("devices", "pair")["code"])
    first, second, *_ = verses(node.url, TEXT)
    phone.push([edit(first, "typed while there was room")])
    ballast = fill(card)
    late = combined_package(folder, "late")
    refused = run("import", late, settings=node.settings)
    assert refused.returncode == 1
    assert "does not fit: the card needs" in refused.stdout
    answer = phone.upload("while the card is full", [edit(second, "typed too late")])
    assert answer is not None and answer.status == 507, answer
    assert answer.json["message"].startswith("The card is full")
    assert texts(node.url, TEXT)[first["recordId"]] == "typed while there was room"
    ballast.unlink()
    phone.push([edit(second, "typed when there was room again")])
    assert node.ask("import", late)[0]["outcome"] == "new"
    assert "Traceback" not in node.said()
