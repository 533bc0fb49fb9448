"""The directions of the architecture, read from the code itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "hotspot").rglob("*.py"))

LEVELS = [
    {"errors"},
    {"model"},
    {"config", "clock", "faults"},
    {"printing"},
    {"events"},
    {"store", "package"},
    {"http"},
    {"syncing"},
    {"phones", "upstream", "importer", "uplink", "discovery", "drives"},
    {"box"},
    {"parts"},
    {"control"},
    {"daemon"},
    {"cli", "commands", "__main__"},
]
"""Each unit may import those of the levels above it in this list; the last level is one unit."""

LEVEL = {unit: number for number, units in enumerate(LEVELS) for unit in units}
PURE = {
    "base64",
    "bisect",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "gzip",
}
PURE |= {
    "hashlib",
    "hotspot",
    "itertools",
    "msgspec",
    "pathlib",
    "re",
    "struct",
    "types",
    "typing",
    "uuid",
}
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\b.+\bSET|DELETE\s+FROM|"
    r"CREATE\s+(TABLE|INDEX|VIEW|TRIGGER)|PRAGMA\s+\w+)\b",
    re.DOTALL,
)


def unit_of(path: Path) -> str:
    """The part of the project that a file belongs to: a folder or a module of the top level."""
    first = path.relative_to(ROOT / "hotspot").parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def units_imported(path: Path) -> Iterator[str]:
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "hotspot" and len(parts) > 1 and parts[1] != "__version__":
            yield parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    unit = unit_of(path)
    if unit == "__init__":
        return
    for imported in units_imported(path):
        last = LEVEL[unit] == len(LEVELS) - 1 == LEVEL[imported]
        assert imported == unit or LEVEL[imported] < LEVEL[unit] or last, (
            f"{path.relative_to(ROOT)} imports {imported}"
        )


@pytest.mark.parametrize(
    "path", sorted((ROOT / "hotspot" / "model").glob("*.py")), ids=lambda path: path.name
)
def test_the_model_decides_and_does_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text())
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not [node for node in ast.walk(tree) if isinstance(node, waits)]
    assert {name.split(".")[0] for name in imports(path)} <= PURE
    called = {node.func.id for node in ast.walk(tree) if _calls_by_name(node)}  # type: ignore[attr-defined]
    assert not called & {"open", "print", "input", "exec", "eval"}


def _calls_by_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_is_written_in_three_places_only(path: Path) -> None:
    place = path.relative_to(ROOT / "hotspot")
    if place.parts[0] in ("store", "upstream") or str(place) == "package/database.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not SQL.search(node.value), f"{place}:{node.lineno} has SQL"


def test_the_rule_about_sql_can_fail() -> None:
    assert SQL.search("SELECT id FROM verse_texts")
    assert SQL.search("UPDATE x\nSET y = 1")
    assert not SQL.search("Select what to update and set the table.")


def test_files_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert not long
