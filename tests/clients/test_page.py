"""The page for app developers tells what is so: its examples are run against servers."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.conftest import Run
from tests.clients.page import examples
from tests.clients.servers import Server
from tests.support.requirements import needs

VERSES = 5


class Reader:
    """Somebody who types the examples in, one after the other."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.version = server.bring("page", VERSES)
        self.variables = {
            "HOTSPOT": server.url,
            "TEXT": self.version,
            "CODE": server.node.ask("devices", "pair")["code"],
        }

    def type_in(self, command: str) -> str:
        """What the command prints."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", **self.variables},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def learn(self, answer: Any) -> None:
        """Takes from an answer what later examples need."""
        if "token" in answer:
            self.variables["TOKEN"] = answer["token"]
        for package in answer.get("packages", ()):
            self.variables |= {"PACKAGE": package["packageId"], "SHA256": package["sha256"]}
        for change in answer.get("changes", ()):
            self.variables |= {"RECORD": change["recordId"], "VERSION": change["version"]}


def shape(value: Any) -> Any:
    """The names and kinds of what an answer has; of lists, those of the first element."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return "null or text or number" if not isinstance(value, bool) else "truth"


def test_every_example_answers_as_it_is_said_to(tmp_path: Path, hotspot: Server) -> None:
    needs("curl")
    reader = Reader(tmp_path, hotspot)
    answered = []
    for command, said in examples():
        printed = reader.type_in(command)
        if said:
            answer = json.loads(printed)
            assert shape(answer) == shape(json.loads(said)), command
            reader.learn(answer)
            answered.append(answer)
        else:
            assert printed.split()[0] == reader.variables["SHA256"]
    uploaded, refused = answered[-2:]
    assert uploaded["results"][0]["status"] == "applied"
    assert refused["code"] == "unauthorized"
    assert len(answered) == 5


def test_a_token_of_another_life_of_the_server_means_starting_over(
    run: Run, upstream: Server
) -> None:
    version = upstream.bring("epochs", VERSES)
    first = run("changes.js", upstream.url, version)
    assert first["count"] == VERSES
    assert run("changes.js", upstream.url, version, first["nextToken"])["count"] == 0
    upstream.node.ask("upstream", "new-epoch")
    again = run("changes.js", upstream.url, version, first["nextToken"])
    assert (again["count"], again["nextToken"] == first["nextToken"]) == (VERSES, False)


def test_a_server_that_is_busy_is_asked_again(run: Run, upstream: Server) -> None:
    version = upstream.bring("patience", VERSES)
    told = run("patience.js", upstream.url, version)
    assert told == {"asked": ["0", "0", None], "count": VERSES}
