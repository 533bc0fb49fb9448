"""Packages to publish, and looks into the database file from outside."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hotspot.model.catalogue import NewPackage, StoredAudio
from hotspot.model.digest import row_hash
from hotspot.model.merge import Outcome
from hotspot.model.records import Record
from hotspot.model.tables import CONTENT_TABLES, CONTEXT_TABLES
from hotspot.model.wire import PackageInfo
from hotspot.store.store import HotspotStore
from tests.contract.opened import LANGUAGE, T0, T2, TEXT

STAMPS = ("created_at", "created_by", "updated_at", "updated_by")


def staging(path: Path, records: Iterable[Record], language: str = "English") -> Path:
    """A staging database of these records and one language, as verifying a package leaves it."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        for table in CONTENT_TABLES:
            columns = [c.name for c in table.content]
            _create(connection, table.name, columns, "content_hash", "row_hash")
        for table in CONTEXT_TABLES:
            _create(connection, table.name, [c.name for c in table.content])
        for r in records:
            row = {"id": r.id, **r.values, "content_hash": r.hash}
            row["row_hash"] = row_hash(r.id, r.updated_at, r.hash)
            row |= {name: getattr(r, name) for name in STAMPS}
            _insert(connection, r.table, row)
        named = {"id": LANGUAGE, "name": language, "updated_at": T0}
        _insert(connection, "language_entities", named)
        connection.commit()
    return path


def _create(connection: sqlite3.Connection, table: str, columns: Sequence[str], *more: str) -> None:
    names = ", ".join((*columns, *STAMPS, *more))
    connection.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, {names})")


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
    )


def package(
    package_id: str = "eng-kjv",
    version: str = "1.0",
    text: str | None = TEXT.id,
    audio_version: str | None = None,
    audio: Sequence[StoredAudio] = (),
    imported_at: str = T0,
    **info: Any,
) -> NewPackage:
    """A package that is about to be published."""
    given: dict[str, Any] = {
        "package_id": package_id,
        "package_version": version,
        "package_type": "text",
        "language_entity_id": LANGUAGE,
        "language_name": "",
        "text_version_id": text,
        "audio_version_id": audio_version,
        "size_in_bytes": 1_500_000,
        "sha256": "5a" * 32,
        "imported_at": imported_at,
        "complete": True,
    }
    return NewPackage(
        info=PackageInfo(**{**given, **info}),
        manifest=b'{"packageId": "' + package_id.encode() + b'"}',
        file_name=f"{package_id}-{version}.bible",
        audio=audio,
        source="import",
    )


def chapter(media_file_id: str, file_name: str, offset: int = 0) -> StoredAudio:
    """One chapter's audio inside a package file."""
    return StoredAudio(
        media_file_id=media_file_id,
        file_name=file_name,
        offset=offset,
        size=1000,
        sha256="ab" * 32,
        audio_format="mp3",
        original_name="jonah-1.mp3",
    )


async def bring(store: HotspotStore, *records: Record) -> None:
    """Makes records current as the upstream's feed does."""
    outcomes = [Outcome(table=r.table, id=r.id, record=r) for r in records]
    await store.write_replica(lambda tx: tx.settle(outcomes, T2))


def query(path: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What another program reads from the database file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, parameters).fetchall()


def change(path: Path, sql: str, *parameters: Any) -> None:
    """Changes a database file from outside."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql, parameters)
        connection.commit()
