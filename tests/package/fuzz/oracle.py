"""What a package must be that was accepted, checked by other means than those that accepted it."""

import json
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.package.fuzz.parts import HEADER

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
VERSE = re.compile(r"[1-9]?[a-z]{2,12}-(0|[1-9]\d{0,2})-(0|[1-9]\d{0,2})\Z")
STAMPS = ("created_at", "updated_at", "deleted_at")
SCOPES = {
    "audio_versions": ("id", "audioVersionId"),
    "text_versions": ("id", "textVersionId"),
    "media_files": ("audio_version_id", "audioVersionId"),
    "media_files_verses": ("denormalized_audio_version_id", "audioVersionId"),
    "verse_texts": ("text_version_id", "textVersionId"),
}


class Wrong(Exception):
    """Something was accepted that must not be."""


def check(package: bytes, staging: Path, complete: bool, damaged: Collection[str]) -> None:
    """Raises Wrong unless the accepted package and the rows staged from it are sound."""
    fields = HEADER.unpack_from(package)
    starts = [HEADER.size]
    for size in fields[3:6]:
        starts.append(starts[-1] + size)
    _hold(fields[0] == b"BIBLE001" and starts[3] == len(package), "header")
    manifest = json.loads(package[starts[0] : starts[1]])
    database, sound = package[starts[1] : starts[2]], package[starts[2] :]
    fits = sha256(package[HEADER.size :]).digest() == fields[6]
    _hold((fits and not damaged) == complete, "content hash")
    _hold(sha256(database).hexdigest() == manifest["databaseHash"], "database hash")
    for entry in manifest.get("audioFileIndex", []):
        own = sound[entry["offset"] : entry["offset"] + entry["size"]]
        good = len(own) == entry["size"] and sha256(own).hexdigest() == entry["sha256"]
        _hold(good or entry["mediaFileId"] in damaged, "audio hash")
    _hold(NAME.match(manifest["packageId"]) is not None, "package id")
    with closing(sqlite3.connect(staging)) as connection:
        connection.row_factory = sqlite3.Row
        _hold(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "staging")
        for table in _tables(connection):
            for row in connection.execute(f"SELECT * FROM {table}"):
                _check_row(table, dict(row), manifest)
        _check_source(connection, database, staging.with_name("oracle.db"))


def _hold(condition: bool, what: str) -> None:
    if not condition:
        raise Wrong(what)


def _tables(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        yield row[0]


def _check_row(table: str, row: dict[str, Any], manifest: dict[str, Any]) -> None:
    what = f"{table} {str(row['id'])[:60]!r}"
    pattern = UUID if table in SCOPES else NAME
    _hold(isinstance(row["id"], str) and bool(pattern.match(row["id"])), f"{what}: id")
    if table in SCOPES:
        column, named = SCOPES[table]
        _hold(row[column] is not None and row[column] == manifest[named], f"{what}: version")
        _check_hash(row, what)
    for name, value in row.items():
        _hold(not isinstance(value, bytes), f"{what}: {name} is bytes")
        if isinstance(value, str):
            _hold(len(value) <= 65_536 and "\x00" not in value, f"{what}: {name}")
        if name in STAMPS and value is not None:
            latest = _instant(manifest["createdAt"])
            _hold(_instant(value) <= latest and len(value) == 24, f"{what}: {name}")
        if table in SCOPES and name.endswith("verse_id") and value is not None:
            _hold(bool(VERSE.match(value)), f"{what}: {name}")
    _hold(row["updated_at"] is not None, f"{what}: updated_at")


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def _check_hash(row: dict[str, Any], what: str) -> None:
    digest = sha256(f"{row['id']}~{row['updated_at']}~{row['content_hash']}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    _hold(row["row_hash"] == number, f"{what}: row hash")


def _check_source(staging: sqlite3.Connection, database: bytes, copy: Path) -> None:
    """What was staged is what the package holds: the same ids, and the same texts under them."""
    copy.write_bytes(database)
    uri = f"file:{copy}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as source:
        there = {name for name in _tables(source) if name.startswith("package_")}
        for table in _tables(staging):
            if f"package_{table}" not in there:
                _hold(not staging.execute(f"SELECT 1 FROM {table}").fetchone(), f"{table}: rows")
                continue
            shown = "verse_text" if table == "verse_texts" else "id"
            wanted = source.execute(f"SELECT id, {shown} FROM package_{table}").fetchall()
            found = staging.execute(f"SELECT id, {shown} FROM {table}").fetchall()
            _hold(sorted(map(tuple, found)) == sorted(map(tuple, wanted)), f"{table}: rows")
