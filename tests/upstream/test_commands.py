"""`hotspot upstream` as an operator runs it: real processes on an embedded server."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.package.pieces import combined
from tests.support.requirements import needs
from tests.support.servers import folder_for_server, free_port

PATIENCE_S = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    needs("postgres")
    with folder_for_server() as folder:
        yield folder


class Operator:
    """Runs commands with one data folder and port."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.log = folder / "run.log"
        self.environment = {
            **os.environ,
            "HOTSPOT_DATA_DIR": str(folder),
            "HOTSPOT_HTTP_HOST": "127.0.0.1",
            "HOTSPOT_UPSTREAM_PORT": str(self.port),
            **settings,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "hotspot", "upstream", *arguments]

    def do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def ask(self, *arguments: str) -> Any:
        done = self.do(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def run(self) -> subprocess.Popen[bytes]:
        """Starts `run`, and waits until it answers."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command("run"), env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self.healthy():
            assert process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return process

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz") as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def upload(self, token: str) -> Any:
        """One upload with nothing in it: what counts is whether the token is known."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/functions/v1/sync/upload",
            json.dumps({"changes": []}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def test_devices_are_added_while_the_server_runs_and_outlive_a_kill(folder: Path) -> None:
    operator = Operator(folder)
    process = operator.run()
    made = operator.ask("add-device", "--name", "Box")
    assert set(made) == {"deviceId", "token"}
    assert operator.upload(made["token"])["success"]
    limited = ("add-device", "--name", "Ana", "--scope", made["deviceId"])
    assert operator.do(*limited).returncode == 1  # a hotspot cannot be limited
    assert operator.ask(*limited, "--role", "editor")["deviceId"]
    process.kill()
    process.wait()
    process = operator.run()
    assert operator.upload(made["token"])["success"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    assert not (folder / "postgres" / "postmaster.pid").exists()
    assert made["token"] not in operator.log.read_text()


def test_a_second_server_on_the_port_says_so_and_leaves_the_first_alone(folder: Path) -> None:
    operator = Operator(folder)
    process = operator.run()
    second = operator.do("run")
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith(f"hotspot: Port {operator.port} ")
    assert operator.healthy()
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


def test_packages_and_people_are_counted(folder: Path, tmp_path: Path) -> None:
    operator = Operator(folder)
    package = combined(tmp_path)
    (done,) = operator.ask("import", str(package))
    assert (done["packageId"], done["written"]["verse_texts"]) == ("test-package", 2)
    said = operator.do("import", str(package))
    assert "verse_texts: 0 of 2" in said.stdout
    user = operator.ask("add-user", "--name", "Ruth")
    before = operator.ask("status")
    assert set(user) == {"userId"}
    assert (before["records"]["verse_texts"], before["users"]) == (2, 1)
    epoch = operator.ask("new-epoch")["epoch"]
    assert epoch != before["epoch"]
    assert operator.ask("status")["epoch"] == epoch


def test_migrating_twice_is_migrating_once(folder: Path) -> None:
    operator = Operator(folder)
    first, second = operator.do("migrate"), operator.do("migrate")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == second.stdout


def test_what_goes_wrong_is_one_sentence_without_the_password(folder: Path) -> None:
    gone = Operator(folder, HOTSPOT_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/none")
    done = gone.do("status")
    assert done.returncode == 1
    assert done.stderr == "hotspot: The database does not answer now; try again later.\n"
    bad = folder / "bad.bible"
    bad.write_bytes(b"nothing")
    done = Operator(folder).do("import", str(bad))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
