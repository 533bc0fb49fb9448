"""The command as a person types it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def hotspot(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOTSPOT_")} | settings
    command = [sys.executable, "-m", "hotspot", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_help_names_every_command() -> None:
    said = hotspot("--help").stdout
    names = ["devices", "import", "package", "packages", "run", "status", "sync", "upstream"]
    assert all(f"\n  {name} " in said for name in names)


@pytest.mark.parametrize("arguments", [["dance"], ["import"], ["status", "--colour"]])
def test_what_is_no_command_is_a_mistake_of_usage(arguments: list[str]) -> None:
    done = hotspot(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_every_mistake_in_the_settings_is_said(tmp_path: Path) -> None:
    file = tmp_path / "hotspot.toml"
    file.write_text('http_port = "many"\ncolour = "red"\n')
    done = hotspot("--config", str(file), "status", HOTSPOT_UPSTREAM_PORT="x")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 3


def test_without_a_daemon_it_says_so(tmp_path: Path) -> None:
    done = hotspot("status", HOTSPOT_DATA_DIR=str(tmp_path))
    assert done.returncode == 0
    assert "The daemon is not running." in done.stdout


def test_a_folder_that_cannot_be_used_is_one_sentence() -> None:
    done = hotspot("status", HOTSPOT_DATA_DIR="/proc/nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("hotspot: The data folder /proc/nothing cannot be used")
    assert len(done.stderr.splitlines()) == 1


def test_a_failed_import_is_exit_status_1(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.bible"
    wrong.write_text("no package")
    done = hotspot("import", str(wrong), HOTSPOT_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 1
    assert "not a .bible package" in done.stdout
