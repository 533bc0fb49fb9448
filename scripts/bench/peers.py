"""Morango, which Kolibri syncs with, at the work that `sync` measures."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import free_port, until
from processes import answer_of

PROJECT = Path(__file__).with_name("morango")
INSTALLED = Path(__file__).parents[2] / ".bench" / "morango" / "bin" / "python"
RECORDED = (
    "Morango 0.8.15, recorded on 2026-11-22 on such a machine: push of 10,000 303 to 327 records/s,"
    " nothing to say 3.5 to 4.0 s and 18 kB, 100 of 10,000 changed 4.3 s"
)
_SYNCHRONOUS_FULL = 2
# Python finds modules beside the program first: there, `morango` would be the project's folder.
_ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def interpreter(given: Path | None) -> Path | None:
    """The Python that has Morango installed; None where there is none."""
    return given or (INSTALLED if INSTALLED.exists() else None)


def print_morango(python: Path | None, work: Path, records: int, text_bytes: int) -> None:
    """Prints what Morango takes for this many records, or took where it is not installed."""
    if python is None:
        print(RECORDED)
        return
    work.mkdir()
    database = work / "server.db"
    with _server(python, database, work / "log") as url:
        given = (work / "client.db", database, url, records, text_bytes, 1)
        command = [python, PROJECT / "client.py", *map(str, given)]
        done = subprocess.run(command, env=_ENVIRONMENT, stdout=subprocess.PIPE, check=True)
    _tell(json.loads(done.stdout), records)


def _tell(found: dict[str, Any], records: int) -> None:
    print("Morango 0.8.15, SQLite on both sides", json.dumps(found["durability"]))
    if found["durability"]["synchronous"] != _SYNCHRONOUS_FULL:
        raise SystemExit("Morango's durability is weakened; it is not compared.")
    for run in found["runs"]:
        print(
            f"Morango: push of edits {records / run['push']:,.0f} records/s ({run['push']:.1f} s), "
            f"of new records {records / found['new']:,.0f} records/s ({found['new']:.1f} s), "
            f"pull of nothing {run['idle']:.1f} s and {run['idle_bytes']:,} bytes, "
            f"pull of 100 changed {run['fetch']:.1f} s"
        )


@contextmanager
def _server(python: Path, database: Path, log: Path) -> Iterator[str]:
    """The address of Morango's server, until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with log.open("wb") as output:
        command = [python, PROJECT / "server.py", database, "run", str(port)]
        process = subprocess.Popen(command, env=_ENVIRONMENT, stdout=output, stderr=output)
    try:
        until(
            lambda: answer_of(f"{url}api/morango/v1/certificates/") == 200, f"It failed; see {log}"
        )
        yield url
    finally:
        process.terminate()
        process.wait()
