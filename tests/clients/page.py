"""The page for app developers: the programs and the examples that stand on it."""

import re
from pathlib import Path

import hotspot

PAGE = Path(hotspot.__file__).with_name("PROTOCOL.md")
_MODULE = re.compile(r"^```js\n// (\w+\.js)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EXAMPLE = re.compile(r"^```sh\n(.*?)^```$(?:\n^```json\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def modules() -> dict[str, str]:
    """The JavaScript modules on the page, by their file names."""
    return dict(_MODULE.findall(PAGE.read_text(encoding="utf-8")))


def examples() -> list[tuple[str, str]]:
    """The commands on the page, each with the JSON that it is said to answer (or nothing)."""
    return _EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
