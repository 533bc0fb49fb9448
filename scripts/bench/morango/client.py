"""Morango's client: pushes, has nothing to say, and pulls; prints seconds as JSON.

usage: client.py DATABASE SERVERS_DATABASE URL RECORDS TEXT_BYTES RUNS
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import project

CHANGED = 100


class Client:
    """A Bible of this machine, and the certificate to sync it with."""

    def __init__(self, url):
        from morango.sync.controller import MorangoProfileController
        from texts.models import PROFILE

        self._controller = MorangoProfileController(PROFILE)
        self._url = url
        network = self._controller.create_network_connection(url)
        (self._server,) = network.get_remote_certificates(None, scope_def_id=project.SCOPE)
        self.bible_id = self._server.id
        self._own = network.certificate_signing_request(
            self._server,
            project.SCOPE,
            {"bible_id": self.bible_id},
            userargs=project.USER,
            password=project.PASSWORD,
        )

    def session(self, *, push):
        """Seconds of a session one way, from connecting to closing, and its bytes."""
        from morango.models.certificates import Filter

        began = time.perf_counter()
        network = self._controller.create_network_connection(self._url)
        session = network.create_sync_session(self._own, self._server)
        transfer = session.initiate_push if push else session.initiate_pull
        transfer(Filter(self.bible_id))
        network.close_sync_session(session.sync_session)
        network.close()
        return time.perf_counter() - began, network.bytes_sent + network.bytes_received


def make(bible_id, records):
    """Texts that no server has."""
    from texts.models import Text

    made = [
        Text(bible_id=bible_id, verse_id=f"gen-1-{number}", verse_text="new")
        for number in range(records)
    ]
    for text in made:
        text.id = text.calculate_uuid()
    Text.objects.bulk_create(made, batch_size=500)


def measure(client, servers_database, size, run):
    """What one run took."""
    from texts.models import Text

    mark = f"run {run} ".ljust(size, "x")
    Text.objects.update(verse_text=mark)
    push, _ = client.session(push=True)
    idle, idle_bytes = client.session(push=False)
    changed = f"server {run} ".ljust(size, "x")
    program = str(Path(__file__).with_name("server.py"))
    command = [sys.executable, program, servers_database, "change", str(CHANGED), changed]
    subprocess.run(command, check=True)
    fetch, _ = client.session(push=False)
    if Text.objects.filter(verse_text=changed).count() != CHANGED:
        raise SystemExit("Morango did not bring what was changed.")
    return {"push": push, "idle": idle, "idle_bytes": idle_bytes, "fetch": fetch}


def main(database, servers_database, url, records, size, runs):
    project.set_up(database)
    client = Client(url)
    make(client.bible_id, int(records))
    new, _ = client.session(push=True)
    found = [measure(client, servers_database, int(size), run) for run in range(int(runs))]
    print(json.dumps({"durability": project.durability(), "new": new, "runs": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
