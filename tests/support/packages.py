"""Small real packages, built by the project's own writer."""

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hotspot.package.spec import Audio, BibleVersion, Chapter, Language, Spec, Text, Timing
from hotspot.package.writer import build

BUILT_AT = "2026-11-01T00:00:00.000Z"
LANGUAGE = Language(id=str(uuid5(NAMESPACE_URL, "language")), name="Test language", iso_639_3="tst")
VERSES = 5


def version_id(name: str) -> str:
    """The id of the text or audio version with this name."""
    return str(uuid5(NAMESPACE_URL, name))


def text_package(
    folder: Path,
    name: str = "text",
    *,
    version: str = "1.0",
    words: str = "In the beginning",
    stamp: str = BUILT_AT,
    verses: int = VERSES,
    book: str = "gen",
    text_version: str | None = None,
    **more: Any,
) -> Path:
    """A text package `name` of verses of Genesis, as `folder`/`name`-`version`.bible.

    `text_version`: the name of its version, if packages share one. `more`: fields of its Spec.
    """
    numbers = range(1, verses + 1)
    lines = [(f"{book}-{1 + n // 900}-{1 + n % 900}", f"{words} {n}") for n in numbers]
    named = text_version or f"{name}-text"
    text = Text(id=version_id(named), name=f"{name} text", verses=lines)
    return _build(folder, name, version, stamp, text=text, **more)


def combined_package(
    folder: Path,
    name: str = "combined",
    *,
    version: str = "1.0",
    stamp: str = BUILT_AT,
    voice: int = 0,
    size: int = 200_000,
) -> Path:
    """A package of Jonah as text and as two audio files of about `size` bytes, with timings.

    Another `voice` is another recording of the same chapters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [(f"jonah-{c}-{v}", f"Jonah {c} {v}") for c in (1, 2) for v in (1, 2)]
    chapters = []
    for chapter in (1, 2):
        file = folder / f"{name}-jonah-{chapter}.mp3"
        sound = bytes((n * chapter + voice) % 251 for n in range(251))
        file.write_bytes((sound * (size // 251 + 2))[: size + chapter])
        verses = [
            Timing(
                verse_id=f"jonah-{chapter}-{v}", start_time_seconds=v * 1.5, duration_seconds=1.5
            )
            for v in (1, 2)
        ]
        chapters.append(
            Chapter(
                path=file,
                chapter_id=f"jonah-{chapter}",
                start_verse_id=f"jonah-{chapter}-1",
                end_verse_id=f"jonah-{chapter}-2",
                duration_seconds=4.5,
                verses=verses,
            )
        )
    text = Text(id=version_id(f"{name}-text"), name="Jonah", verses=lines)
    audio = Audio(id=version_id(f"{name}-audio"), name="Jonah aloud", chapters=chapters)
    made = _build(folder, name, version, stamp, text=text, audio=audio)
    for one in chapters:
        one.path.unlink()
    return made


def _build(
    folder: Path,
    name: str,
    version: str,
    stamp: str,
    *,
    text: Text | None = None,
    audio: Audio | None = None,
    **more: Any,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    spec = Spec(
        package_id=name,
        package_version=version,
        created_at=stamp,
        language=LANGUAGE,
        bible_version=BibleVersion(id="test-bible", name="Test Bible"),
        text=text,
        audio=audio,
        **more,
    )
    out = folder / f"{name}-{version}.bible"
    build(spec, out)
    return out
