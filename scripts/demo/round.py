"""The whole round without a person: stick, hotspot, phone, server, and two killed processes.

Usage: round.py PACKAGES WORK

PACKAGES: a folder of .bible files that stands for a stick. WORK: an empty folder to work in.
Hotspot, upstream and phone are separate processes. Exit status 0 only if every step held.
"""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from processes import Program, StepFailed, answer_of, ask, free_port, phone, until

from hotspot.upstream.embedded import embedded

TEXT, COMBINED = "eng-kjv-text", "eng-demo-combined"
READ = """
SELECT id::text, verse_text,
  to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS updated_at
FROM verse_texts WHERE id = ANY($1::uuid[])
"""


class Round:
    """The round, step by step; each step prints what it saw and how long it took."""

    def __init__(self, packages: Path, work: Path) -> None:
        self.packages = packages
        self.work = work
        self.stick = work / "sticks"
        self.stick.mkdir(parents=True)
        self.phone = work / "phone"
        self.upstream_url = f"http://127.0.0.1:{free_port()}"
        self.hotspot_url = f"http://127.0.0.1:{free_port()}"
        self.upstream = Program(
            *("upstream", "run"),
            settings={
                "HOTSPOT_DATA_DIR": str(work / "upstream"),
                "HOTSPOT_UPSTREAM_PORT": self.upstream_url.rpartition(":")[2],
            },
            log=work / "upstream.log",
        )
        self.hotspot: Program | None = None
        self.told: dict[str, dict[str, Any]] = {}
        self.expected: dict[str, Any] = {}

    def run(self) -> None:
        self.start_upstream()
        self.start_hotspot()
        self.put_in_stick()
        self.find()
        self.download()
        self.correct()
        self.change_on_server()
        self.kill_and_read_again()

    def start_upstream(self) -> None:
        with step("The server runs on PostgreSQL and knows the packages") as say:
            self.upstream.start()
            self.upstream.wait_for(self.upstream_url + "/healthz")
            token = ask(self.upstream, "upstream", "add-device", "--name", "Village box")["token"]
            for path in sorted(self.packages.glob("*.bible")):
                ask(self.upstream, "upstream", "import", str(path))
            say(f"{len(list(self.packages.glob('*.bible')))} packages loaded by the operator")
        self.hotspot = Program(
            "run",
            settings={
                "HOTSPOT_DATA_DIR": str(self.work / "hotspot"),
                "HOTSPOT_HTTP_PORT": self.hotspot_url.rpartition(":")[2],
                "HOTSPOT_DRIVES_FOLDER": str(self.stick),
                "HOTSPOT_UPSTREAM_URL": self.upstream_url,
                "HOTSPOT_UPSTREAM_TOKEN": token,
                "HOTSPOT_NAME": "Village",
            },
            log=self.work / "hotspot.log",
        )

    @property
    def box(self) -> Program:
        assert self.hotspot is not None
        return self.hotspot

    def start_hotspot(self) -> None:
        with step("The hotspot starts with nothing") as say:
            self.box.start()
            self.box.wait_for(self.hotspot_url + "/healthz")
            say(f"{len(ask(self.box, 'packages'))} packages")

    def put_in_stick(self) -> None:
        with step("A stick goes in and is imported") as say:
            coming = self.work / "coming"
            shutil.copytree(self.packages, coming, ignore=shutil.ignore_patterns("*.tmp"))
            coming.rename(self.stick / "stick")
            count = len(list(self.packages.glob("*.bible")))
            until(
                lambda: len(ask(self.box, "packages")) == count,
                f"the stick's {count} packages did not appear",
            )
            for one in ask(self.box, "status")["imports"]:
                rows = one["rows"]
                say(
                    f"{one['packageId']}: {rows['verse_texts']} verses, "
                    f"{rows['media_files']} audio files, {rows['media_files_verses']} timings, "
                    f"{one['seconds']:.2f} s"
                )

    def find(self) -> None:
        with step("The phone finds the hotspot by its service type alone") as say:
            found = phone(self.phone, "find")
            held(
                not found["others"],
                "several hotspots answer on this network, and the round needs to be alone: "
                + ", ".join([found["name"], *found["others"]]),
            )
            say(f"{found['name']!r} at {found['url']} after {found['seconds']:.2f} s")

    def download(self) -> None:
        with step("The phone downloads a package; the connection is cut, the rest resumed") as say:
            for package in (COMBINED, TEXT):
                got = phone(self.phone, "download", package)
                held(got["equal"], f"the download of {package} differs by its SHA-256")
                say(
                    f"{package}: {got['bytes']} bytes, cut at {got['cutAt']}, "
                    f"equal by SHA-256, {got['seconds']:.2f} s"
                )

    def correct(self) -> None:
        with step("The paired phone corrects three verses; the server has them") as say:
            pushed_early = answer_of(self.hotspot_url + "/functions/v1/sync/upload")
            held(pushed_early in (401, 405), "an upload without a token was not refused")
            self.wait_until_synced()
            phone(self.phone, "pair", ask(self.box, "devices", "pair")["code"])
            records = phone(self.phone, "follow", TEXT)["records"]
            say(f"{records} records read by the phone")
            pushed = phone(self.phone, "correct", TEXT, "3")
            held(pushed["applied"] == 3, "the hotspot did not take the three corrections")
            self.told = {one["recordId"]: one for one in pushed["told"]}
            began = time.monotonic()
            until(self.server_has_corrections, "the corrections did not reach PostgreSQL")
            say(f"in PostgreSQL with the phone's stamps {time.monotonic() - began:.2f} s later")

    def wait_until_synced(self) -> None:
        """The hotspot knows the time, and what the server has, once it has met it."""
        until(
            lambda: (
                (now := ask(self.box, "status"))["clockTrusted"]
                and now["lastSession"] is not None
                and now["lastSession"]["error"] is None
            ),
            "the hotspot did not sync with the server",
        )

    def server_has_corrections(self) -> bool:
        rows = self.sql(READ, list(self.told))
        return len(rows) == 3 and all(
            row["verse_text"] == self.told[row["id"]]["text"]
            and row["updated_at"] == self.told[row["id"]]["updatedAt"]
            for row in rows
        )

    def change_on_server(self) -> None:
        with step(
            "Two verses changed and one deleted on the server by SQL; the phone sees it"
        ) as say:
            ids = [
                row["id"]
                for row in self.sql(
                    "SELECT id::text FROM verse_texts WHERE text_version_id = "
                    "(SELECT text_version_id FROM verse_texts WHERE id = $1::uuid) "
                    "AND NOT id = ANY($2::uuid[]) ORDER BY verse_id LIMIT 3",
                    next(iter(self.told)),
                    list(self.told),
                )
            ]
            self.sql(
                "UPDATE verse_texts SET verse_text = verse_text || ' [revised]' "
                "WHERE id = ANY($1::uuid[])",
                ids[:2],
            )
            self.sql("DELETE FROM verse_texts WHERE id = $1::uuid", ids[2])
            session = ask(self.box, "sync")
            say(f"the hotspot received {session['downloaded']} changes")
            seen = {one["recordId"]: one for one in phone(self.phone, "follow", TEXT)["last"]}
            for changed in ids[:2]:
                held(str(seen[changed]["text"]).endswith("[revised]"), "a change was not seen")
            held(seen[ids[2]]["deletedAt"] is not None, "the deletion was not seen")
            self.expected = {changed: seen[changed]["text"] for changed in ids[:2]}
            self.expected[ids[2]] = None
            say("2 changes and 1 deletion seen by the phone")

    def kill_and_read_again(self) -> None:
        with step("Hotspot and server are killed with SIGKILL and started again") as say:
            self.box.kill()
            self.upstream.kill()
            self.upstream.start()
            self.box.start()
            self.upstream.wait_for(self.upstream_url + "/healthz")
            self.box.wait_for(self.hotspot_url + "/healthz")
            held(self.server_has_corrections(), "PostgreSQL lost corrections")
            say("3 corrections in PostgreSQL as before")
            again = self.work / "another phone"
            phone(again, "find")
            records = phone(again, "follow", TEXT)["records"]
            self.read_again(again)
            say(f"{records} records read by another phone: 3 corrections, 2 changes, 1 deletion")

    def read_again(self, state: Path) -> None:
        held_now = json.loads((state / "records.json").read_text())
        for record, one in self.told.items():
            held(held_now[record]["record"]["verse_text"] == one["text"], "a correction is gone")
        for record, text in self.expected.items():
            now = held_now[record]["record"]
            if text is None:
                held(now["deleted_at"] is not None, "the deletion is gone")
            else:
                held(now["verse_text"] == text, "a change of the server is gone")

    def sql(self, query: str, *arguments: Any) -> list[Any]:
        """Runs SQL on the server's PostgreSQL, from outside the upstream's process."""

        async def work() -> list[Any]:
            async with embedded(self.work / "upstream") as url:
                connection = await asyncpg.connect(url)
                try:
                    return list(await connection.fetch(query, *arguments))
                finally:
                    await connection.close()

        return asyncio.run(work())

    def end(self) -> None:
        """Stops what runs; a process that does not stop is killed."""
        for program in (self.hotspot, self.upstream):
            if program is not None:
                program.stop()


def held(condition: bool, otherwise: str) -> None:
    if not condition:
        raise StepFailed(otherwise)


@contextmanager
def step(title: str) -> Iterator[Any]:
    print(f"{title} ...", flush=True)
    began = time.monotonic()
    yield lambda text: print(f"    {text}", flush=True)
    print(f"    done in {time.monotonic() - began:.2f} s", flush=True)


def main() -> int:
    journey = Round(Path(sys.argv[1]), Path(sys.argv[2]))
    try:
        journey.run()
    except StepFailed as error:
        print(f"FAILED: {error}.")
        return 1
    finally:
        journey.end()
    print("Every step held.")
    return 0


sys.exit(main())
