"""Packages for tests: built as they should be, or put together from pieces that lie."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from hotspot.package import layout
from hotspot.package.layout import Header, PackageType
from hotspot.package.reader import open_package
from hotspot.package.spec import Audio, BibleVersion, Chapter, Language, Spec, Text, Timing
from hotspot.package.verify import Staged, stage
from hotspot.package.writer import build

LANGUAGE_ID = "11111111-1111-4111-8111-111111111111"
TEXT_ID = "22222222-2222-4222-8222-222222222222"
AUDIO_ID = "33333333-3333-4333-8333-333333333333"
OTHER_ID = "44444444-4444-4444-8444-444444444444"
CREATED_AT = "2026-01-01T00:00:00.000Z"
VERSES = [("jonah-1-1", "Now the word came to Jonah"), ("jonah-1-2", "Arise, go to Nineveh")]


def text(verses: Sequence[tuple[str, str]] = VERSES) -> Text:
    return Text(id=TEXT_ID, name="Test Text", verses=verses)


def audio(folder: Path, sounds: Sequence[bytes] = (b"first" * 100, b"second" * 100)) -> Audio:
    """One chapter of Jonah for each of `sounds`, its first verse timed."""
    chapters = []
    for number, sound in enumerate(sounds, start=1):
        path = folder / f"jonah-{number}.mp3"
        path.write_bytes(sound)
        chapters.append(
            Chapter(
                path=path,
                chapter_id=f"jonah-{number}",
                start_verse_id=f"jonah-{number}-1",
                end_verse_id=f"jonah-{number}-17",
                duration_seconds=60.5,
                verses=[
                    Timing(
                        verse_id=f"jonah-{number}-1", start_time_seconds=0.5, duration_seconds=4.25
                    )
                ],
            )
        )
    return Audio(id=AUDIO_ID, name="Test Audio", chapters=chapters)


def spec(*, text: Text | None = None, audio: Audio | None = None, **changes: Any) -> Spec:
    return Spec(
        **{
            "package_id": "test-package",
            "package_version": "1.0.0",
            "created_at": CREATED_AT,
            "language": Language(id=LANGUAGE_ID, name="English", iso_639_3="eng"),
            "bible_version": BibleVersion(id="protestant", name="Protestant canon"),
            "text": text,
            "audio": audio,
            **changes,
        }
    )


def combined(folder: Path) -> Path:
    """A whole and honest package with two verses and two audio files."""
    path = folder / "combined.bible"
    build(spec(text=text(), audio=audio(folder)), path)
    return path


def text_only(folder: Path, verses: Sequence[tuple[str, str]] = VERSES) -> Path:
    path = folder / "text.bible"
    build(spec(text=text(verses)), path)
    return path


def compose(
    path: Path,
    manifest: dict[str, Any] | bytes,
    database: bytes,
    sound: bytes = b"",
    package_type: PackageType = PackageType.TEXT,
) -> Path:
    """A package of these pieces, whatever they are; the header fits them."""
    raw = manifest if isinstance(manifest, bytes) else msgspec.json.encode(manifest)
    content = raw + database + sound
    digest = sha256(content).digest()
    header = Header(package_type, len(raw), len(database), len(sound), digest)
    path.write_bytes(layout.pack(header) + content)
    return path


def sections(package: Path) -> tuple[dict[str, Any], bytes, bytes]:
    """Manifest, database and audio of a package."""
    opened = open_package(package)
    raw = package.read_bytes()
    database = raw[opened.database_offset : opened.audio_offset]
    return msgspec.json.decode(opened.manifest_bytes), database, raw[opened.audio_offset :]


def with_manifest(package: Path, **changes: Any) -> Path:
    """The same package with another manifest; a change to None leaves the field out."""
    manifest, database, sound = sections(package)
    changed = {name: value for name, value in {**manifest, **changes}.items() if value is not None}
    return compose(package, changed, database, sound, open_package(package).header.package_type)


def with_sql(package: Path, script: str) -> Path:
    """The same package after `script` ran in its database; its hash fits."""
    manifest, database, sound = sections(package)
    file = package.with_suffix(".db")
    file.write_bytes(database)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)
    return with_database(package, file.read_bytes(), manifest, sound)


def with_database(package: Path, database: bytes, manifest: dict[str, Any], sound: bytes) -> Path:
    changed = {**manifest, "databaseHash": sha256(database).hexdigest()}
    return compose(package, changed, database, sound, open_package(package).header.package_type)


def rows(database: Path, table: str) -> list[dict[str, Any]]:
    """Every row of a table, by its columns."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]


def staged(package: Path, staging: Path, **options: Any) -> Staged:
    return asyncio.run(stage(package, staging, **options))
