"""What is changed: header fields, values of the manifest, bytes and rows of the database, audio."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.package.fuzz.parts import Parts

Mutation = Callable[[Random, Parts, Path], None]

NUMBERS = (0, 1, -1, 2, 72, 255, 4096, 65_535, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63, 2**64 - 1)
STRINGS = (
    "",
    "../../../../tmp/escaped",
    "/etc/passwd",
    "x" * 100_000,
    "a\x00b",
    "\ud800",
    "john-3-16",
    "9999-99-99T99:99:99Z",
    "2031-01-01T00:00:00Z",
    "'; DROP TABLE package_tags; --",
    "%s%n",
    "\u202e\ufeff",
    "1.0.0",
    "0" * 64,
)
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    *STRINGS,
    None,
    True,
    False,
    1.5,
    float("inf"),
    float("nan"),
    -0.0,
    [],
    {},
    [[]] * 50,
    {"a": {"b": {}}},
)
CELLS: tuple[Any, ...] = (
    *(number for number in NUMBERS if number < 2**63),
    *(text for text in STRINGS if text != "\ud800"),
    None,
    1.5,
    float("inf"),
    -1e308,
    b"",
    b"\xff\xfe\x00",
    b"SQLite format 3\x00",
    "x" * 300_000,
    "two\nlines",
    "पाठ",
)
UNREADABLE = (sqlite3.Error, UnicodeError, OverflowError, IndexError)
"""What comes of a database that other changes have broken already."""
SCRIPTS = (
    "CREATE VIEW v AS SELECT * FROM package_verse_texts",
    "CREATE TRIGGER t AFTER INSERT ON package_tags BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE f USING fts5(x)",
    "CREATE TABLE g (a, b AS (a + 1))",
    "CREATE INDEX i ON package_verses (length(id))",
    "CREATE INDEX p ON package_verse_texts (verse_text) WHERE verse_text > 'm'",
    "CREATE TABLE extra (a, b); INSERT INTO extra VALUES (1, zeroblob(5000))",
    "ALTER TABLE package_verse_texts ADD COLUMN more DEFAULT 'x'",
    "ALTER TABLE package_verse_texts RENAME COLUMN publish_status TO status",
    "DELETE FROM package_verse_texts",
    "DELETE FROM package_verses",
    "DROP TABLE package_verses",
    "ANALYZE",
    "PRAGMA user_version = 77; PRAGMA application_id = 66",
    "PRAGMA page_size = 512; VACUUM",
    "PRAGMA page_size = 65536; VACUUM",
    "PRAGMA auto_vacuum = 1; VACUUM",
    "PRAGMA journal_mode = WAL",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE x' WHERE rowid = 3",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 1 WHERE rowid > 3",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET type = 'view' WHERE rowid = 2",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'TEXT', 'BLOB')",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'id TEXT', 'id')",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET name = 'sqlite_x' WHERE rowid = 4",
    "UPDATE package_verse_texts SET deleted_at = updated_at",
    "UPDATE package_verse_texts SET id = upper(id)",
    "UPDATE package_verse_texts SET updated_at = 1700000000",
)


def header(random: Random, parts: Parts, _: Path) -> None:
    """One field of the header."""
    field = random.randrange(len(parts.header))
    value = parts.header[field]
    if isinstance(value, bytes):
        parts.header[field] = _flipped(random, value)
    else:
        most = 2**64 if field in (4, 5) else 2**32
        near = value + random.choice((-1, 1, 72, -72))
        parts.header[field] = random.choice((*NUMBERS, near, random.randrange(most))) % most


def manifest_value(random: Random, parts: Parts, _: Path) -> None:
    """One value somewhere in the manifest: another one, none, or one more."""
    manifest = _manifest(parts)
    if manifest is None:
        return
    places = list(_places(manifest))
    holder, key = random.choice(places)
    what = random.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[random.choice(STRINGS[:6])] = random.choice(VALUES)
    elif what == 2:
        other_holder, other = random.choice(places)
        holder[key] = other_holder[other]
    else:
        holder[key] = random.choice(VALUES)
    with suppress(ValueError, RecursionError):
        parts.manifest = json.dumps(manifest).encode()


def manifest_bytes(random: Random, parts: Parts, _: Path) -> None:
    """The manifest as bytes: deep, cut off, not UTF-8, twice, or of numbers beyond measure."""
    raw = parts.manifest
    parts.manifest = random.choice(
        (
            lambda: _flipped(random, raw),
            lambda: raw[: random.randrange(len(raw) + 1)],
            lambda: raw + raw,
            lambda: b"[" * random.choice((1_000, 10_000, 100_000)),
            lambda: raw[:-1] + b',"more":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
            lambda: raw.replace(b":1", b":" + b"9" * random.choice((20, 400, 5_000)), 1),
            lambda: raw.replace(b'"', b"\xff", random.randrange(3)),
            lambda: raw + b" " * random.choice((1, 100_000)),
            lambda: b"\xef\xbb\xbf" + raw,
            lambda: raw.decode("utf-8", "replace").encode("utf-16"),
        )
    )()


def database_bytes(random: Random, parts: Parts, _: Path) -> None:
    """Bytes of the database: anywhere, in its header, or where a page begins."""
    raw = bytearray(parts.database)
    if not raw:
        return
    for _number in range(random.choice((1, 1, 2, 8))):
        page = random.randrange(max(1, len(raw) // 4096)) * 4096
        span = random.choice(((0, 100), (page, page + 12), (page + 8, page + 60), (0, len(raw))))
        place = min(random.randrange(*span), len(raw) - 1)
        raw[place] = random.choice((0, 1, 0xFF, 0x80, raw[place] ^ 1 << random.randrange(8)))
    parts.database = bytes(raw)


def database_size(random: Random, parts: Parts, _: Path) -> None:
    """Pages too few or too many, and a header that says so or not."""
    raw = parts.database
    pages = random.randrange(1 + len(raw) // 4096) * 4096
    parts.database = random.choice(
        (raw[:pages], raw[: random.randrange(len(raw) + 1)], raw + bytes(4096), raw + raw)
    )
    if random.random() < 0.5 and len(parts.database) > 32:
        count = random.choice(NUMBERS) % 2**32
        parts.database = parts.database[:28] + count.to_bytes(4, "big") + parts.database[32:]


def database_script(random: Random, parts: Parts, folder: Path) -> None:
    """What a stranger's SQL can make of a database."""
    _run(parts, folder, [(random.choice(SCRIPTS), None)])


def database_cells(random: Random, parts: Parts, folder: Path) -> None:
    """Values of any type in any column, of one row or of all."""
    statements: list[tuple[str, Any]] = []
    with closing(_opened(parts, folder)) as connection, suppress(*UNREADABLE):
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        for _number in range(random.choice((1, 1, 3))):
            table = random.choice([name for name in tables if name.startswith("package_")])
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            one = "" if random.random() < 0.3 else f" WHERE id = (SELECT min(id) FROM {table})"
            column = random.choice(columns)
            value = random.choice(CELLS)
            statements.append((f"UPDATE OR IGNORE {table} SET {column} = ?{one}", value))
    _run(parts, folder, statements)


def audio(random: Random, parts: Parts, _: Path) -> None:
    """The audio: another byte, fewer, or more."""
    raw = parts.audio or b"audio"
    cut = random.randrange(len(raw) + 1)
    parts.audio = random.choice((_flipped(random, raw), raw[:cut], raw + raw[:cut]))


def file_size(random: Random, parts: Parts, _: Path) -> None:
    """A file that is cut off, or goes on."""
    if random.random() < 0.5:
        parts.cut = random.choice((1, 10, 72, 1000, random.randrange(100_000)))
    else:
        parts.tail = random.randbytes(random.choice((1, 72, 5000)))


MUTATIONS: tuple[Mutation, ...] = (
    header,
    manifest_value,
    manifest_value,
    manifest_value,
    manifest_bytes,
    database_bytes,
    database_bytes,
    database_size,
    database_script,
    database_cells,
    database_cells,
    database_cells,
    audio,
    file_size,
)


def mutate(random: Random, raw: bytes, folder: Path) -> tuple[bytes, str]:
    """A package that was changed in one to three ways, and their names."""
    parts = Parts.of(raw)
    chosen = random.choices(MUTATIONS, k=random.choice((1, 1, 2, 3)))
    for mutation in chosen:
        mutation(random, parts, folder)
    names = [mutation.__name__ for mutation in chosen]
    if header not in chosen and random.random() < 0.9:
        parts.fit_sizes()
    fitting = random.choice(("", "", "outside", "throughout"))
    if fitting:
        parts.fit_hashes(outside_only=fitting == "outside")
        names.append(fitting)
    return parts.raw(), "+".join(names)


def _flipped(random: Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    if changed:
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _manifest(parts: Parts) -> Any:
    try:
        found = json.loads(parts.manifest)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _opened(parts: Parts, folder: Path) -> sqlite3.Connection:
    path = folder / "mutated.db"
    path.write_bytes(parts.database)
    return sqlite3.connect(path, isolation_level=None)


def _run(parts: Parts, folder: Path, statements: list[tuple[str, Any]]) -> None:
    """The database after these statements, as far as they can be run."""
    with closing(_opened(parts, folder)) as connection:
        for sql, value in [("PRAGMA synchronous = OFF", None), *statements]:
            with suppress(*UNREADABLE):
                if value is None and "?" not in sql:
                    connection.executescript(sql)
                else:
                    connection.execute(sql, (value,))
    parts.database = (folder / "mutated.db").read_bytes()
    for left in folder.glob("mutated.db*"):
        left.unlink()
