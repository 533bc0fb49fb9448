"""The settings: one TOML file, each value overridden by the environment, all mistakes at once."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hotspot.errors import ConfigError

DEFAULT_PATH = Path("/etc/hotspot/hotspot.toml")
MACHINE_FILES = (Path("/proc/device-tree/serial-number"), Path("/etc/machine-id"))
SECRET = frozenset({"upstream_token", "database_url", "database_replica_url"})
"""Settings that hold passwords: no message shows them."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a hotspot or an upstream needs to know before it starts.

    `drives_folder`: a folder whose sub-folders are taken for mounted sticks, or None for udev.
    `status_led`: the folder of an LED below /sys/class/leds that shows what goes on, or None.
    `fetch_from_neighbours`: packages of hotspots near here are fetched that are not here.
    `machine_files`: files that tell this machine from others; the first counts that tells anything.
    `reserve_mb`: room on the card, in MB, that imports never take.
    `reset_folder`: where a file `reset-admin` is looked for at the start.
    `trusted_keys`: a file of minisign public keys, or a folder of them (*.pub).
    `require_signature`: packages that none of them signed are refused.
    `host_names`: names by which phones ask, apart from this machine's own.
    `app_origins`: origins whose pages may upload, apart from those that apps bring with them.
    `access_log`: each request leaves a line in the log, without anything of who asked.
    `database_url`: a PostgreSQL URL for `hotspot upstream run`, or None for the embedded server.
    `database_replica_url`: that of a server that follows it, or None.
    """

    data_dir: Path = Path("/var/lib/hotspot")
    http_host: str = "0.0.0.0"
    http_port: int = 8080
    upstream_url: str | None = None
    upstream_token: str | None = None
    drives_folder: Path | None = None
    status_led: Path | None = None
    trusted_keys: Path | None = None
    require_signature: bool = False
    database_url: str | None = None
    database_replica_url: str | None = None
    upstream_port: int = 8090
    name: str = "Bible Hotspot"
    host_names: tuple[str, ...] = ()
    app_origins: tuple[str, ...] = ()
    reserve_mb: int = 64
    reset_folder: Path = Path("/boot/firmware")
    fetch_from_neighbours: bool = False
    machine_files: tuple[Path, ...] = MACHINE_FILES
    access_log: bool = False

    @property
    def database(self) -> Path:
        """The hotspot's SQLite file."""
        return self.data_dir / "hotspot.db"

    @property
    def packages(self) -> Path:
        """The folder of published packages, each named by its SHA-256."""
        return self.data_dir / "packages"

    @property
    def incoming(self) -> Path:
        """The folder of packages that are still being copied or verified."""
        return self.data_dir / "incoming"

    @property
    def control_socket(self) -> Path:
        """The Unix socket on which the running daemon answers the command line."""
        return self.data_dir / "control.sock"


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text that is not empty")
    return value


def _path(value: Any) -> Path:
    return Path(_text(value))


def _port(value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise ValueError("must be a port number from 0 to 65535")
    return int(text)


def _list(value: Any) -> tuple[str, ...]:
    """A list in the settings file; in the environment, with commas between."""
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("must be a list of texts")
    return tuple(one.strip() for one in found if one.strip())


def _megabytes(value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()) or int(text) > 1_000_000:
        raise ValueError("must be a whole number of MB up to 1000000")
    return int(text)


def _switch(value: Any) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = known.get(str(value).lower())
    if found is None:
        raise ValueError("must be true or false")
    return found


def _url(value: Any, schemes: tuple[str, ...]) -> str:
    text = _text(value)
    if not _is_url(text, schemes):
        raise ValueError(f"must be a URL that starts with {schemes[0]}://")
    return text.rstrip("/")


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.netloc)
    except ValueError:
        return False


_READERS: dict[str, Callable[[Any], Any]] = {
    "data_dir": _path,
    "http_host": _text,
    "http_port": _port,
    "upstream_url": lambda value: _url(value, ("http", "https")),
    "upstream_token": _text,
    "drives_folder": _path,
    "status_led": _path,
    "trusted_keys": _path,
    "require_signature": _switch,
    "database_url": lambda value: _url(value, ("postgresql", "postgres")),
    "database_replica_url": lambda value: _url(value, ("postgresql", "postgres")),
    "upstream_port": _port,
    "name": _text,
    "host_names": _list,
    "app_origins": _list,
    "reserve_mb": _megabytes,
    "reset_folder": _path,
    "fetch_from_neighbours": _switch,
    "machine_files": lambda value: tuple(Path(one) for one in _list(value)),
    "access_log": _switch,
}


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Reads the settings from `path` and `environ`.

    Without `path`, `DEFAULT_PATH` is read where it exists. Raises ConfigError with every mistake:
    an unreadable file, an unknown setting, a value that does not fit.
    """
    problems: list[str] = []
    found: dict[str, tuple[str, Any]] = {}
    for name, value in _read_file(path, problems).items():
        if name not in _READERS:
            problems.append(f"'{name}' in the settings file is not a setting.")
        else:
            found[name] = (f"'{name}' in the settings file", value)
    for field in fields(Config):
        variable = "HOTSPOT_" + field.name.upper()
        if environ.get(variable):
            found[field.name] = (variable, environ[variable])
    values: dict[str, Any] = {}
    for name, (where, value) in found.items():
        try:
            values[name] = _READERS[name](value)
        except ValueError as error:
            shown = "" if name in SECRET else f", and is {value!r}"
            problems.append(f"{where} {error}{shown}.")
    if problems:
        raise ConfigError(problems)
    return replace(Config(), **values)


def _read_file(path: Path | None, problems: list[str]) -> dict[str, Any]:
    if path is None and not DEFAULT_PATH.exists():
        return {}
    file = path or DEFAULT_PATH
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"The settings file {file} cannot be read: {error.strerror}.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"The settings file {file} is not valid TOML: {error}.")
    return {}
