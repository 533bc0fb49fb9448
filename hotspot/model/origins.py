"""Whether a request was meant for this server: a browser says by which name, and for which page.

A page of a stranger can have a name of its own lead to this server (DNS rebinding), and is then of
one origin with it. What no page can choose is the name that the browser asked for: it is in Host.
An address written in numbers leads where it says.
"""

import re
from collections.abc import Collection

IN_APPS = "localhost"
"""The host of pages that a phone's app brings with it: `capacitor://localhost` and the like."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^][:/@\s]+)(?::[0-9]{1,5})?")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([^/]+)")
_ADDRESS = re.compile(r"\[.*\]|[0-9]{1,3}(\.[0-9]{1,3}){3}")


def own_host(host: str | None, names: Collection[str]) -> bool:
    """Whether a Host header names this server: by an address, or by one of `names` (lower case)."""
    name = _name(host or "")
    return name is not None and (name in names or _ADDRESS.fullmatch(name) is not None)


def own_origin(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """Whether a page of `origin` may change something here (None: it is no page).

    `host`: what the request was sent to, which is own. `allowed`: other origins that may.
    """
    if origin is None or origin in allowed:
        return True
    parts = _ORIGIN.fullmatch(origin)
    if parts is None:
        return False
    scheme, of = parts.groups()
    return _name(of) == IN_APPS or (scheme in ("http", "https") and of == host)


def _name(host: str) -> str | None:
    found = _HOST.fullmatch(host)
    return None if found is None else found[1].lower().removesuffix(".")
