"""The packages of the demonstration: two whole texts, and a small one that is also spoken."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from speech import Voice, mp3
from texts import chapters, verses

from hotspot.package.spec import Audio, BibleVersion, Chapter, Language, Spec, Text, Timing
from hotspot.package.writer import build

NAMES = {"kjv": "King James Version", "asv": "American Standard Version"}
SPOKEN = ["ps-23", "jonah-1", "jonah-2", "jonah-3", "jonah-4", "3john-1"]
QUICK_BOOKS = ("ps", "jonah", "3john")
QUICK_SPOKEN = ["ps-23", "3john-1"]
KBPS = 32
PAUSE_SECONDS = 0.4

_CREATED_AT = "2026-01-01T00:00:00.000Z"
_ENGLISH = Language(
    id=str(uuid5(NAMESPACE_URL, "language/eng")), name="English", iso_639_1="en", iso_639_3="eng"
)
_CANON = BibleVersion(id="protestant", name="Protestant canon", structure_notes="66 books")


def make_packages(out: Path, *, quick: bool) -> Iterator[Path]:
    """Builds the packages in the folder `out`, and yields each path when it is there.

    `quick`: three books of each text, and two spoken chapters.
    """
    for translation in NAMES:
        yield _make_text(out, translation, QUICK_BOOKS if quick else None)
    yield _make_combined(out, QUICK_SPOKEN if quick else SPOKEN)


def _version_id(package_id: str, kind: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{package_id}/{kind}"))


def _spec(package_id: str, text: Text, audio: Audio | None = None) -> Spec:
    return Spec(
        package_id=package_id,
        package_version="1.0.0",
        created_at=_CREATED_AT,
        language=_ENGLISH,
        bible_version=_CANON,
        text=text,
        audio=audio,
    )


def _make_text(out: Path, translation: str, books: Sequence[str] | None) -> Path:
    package_id = f"eng-{translation}-text"
    text = Text(
        id=_version_id(package_id, "text"),
        name=NAMES[translation],
        source="public domain",
        verses=(
            (verse_id, text)
            for verse_id, text in verses(translation)
            if books is None or verse_id.split("-")[0] in books
        ),
    )
    return _build(out, _spec(package_id, text))


def _make_combined(out: Path, spoken: list[str]) -> Path:
    package_id = "eng-demo-combined"
    texts = chapters("kjv", spoken)
    voice = Voice()
    recorded = [_record(out, voice, chapter, lines) for chapter, lines in texts.items()]
    try:
        text = Text(
            id=_version_id(package_id, "text"),
            name="Demonstration Text",
            source="King James Version, public domain",
            verses=(verse for lines in texts.values() for verse in lines),
        )
        audio = Audio(
            id=_version_id(package_id, "audio"), name="Demonstration Speech", chapters=recorded
        )
        return _build(out, _spec(package_id, text, audio))
    finally:
        for chapter in recorded:
            chapter.path.unlink()


def _record(out: Path, voice: Voice, chapter: str, lines: list[tuple[str, str]]) -> Chapter:
    """Speaks a chapter verse by verse: where a verse begins is known to the sample."""
    pause = bytes(2 * int(voice.sample_rate * PAUSE_SECONDS))
    pcm = bytearray()
    timings = []
    for verse_id, text in lines:
        spoken = voice.speak(text)
        timings.append(
            Timing(
                verse_id=verse_id,
                start_time_seconds=voice.seconds(len(pcm)),
                duration_seconds=voice.seconds(len(spoken)),
            )
        )
        pcm += spoken + pause
    path = out / f"{chapter}.mp3"
    path.write_bytes(mp3(bytes(pcm), voice.sample_rate, KBPS))
    return Chapter(
        path=path,
        chapter_id=chapter,
        start_verse_id=lines[0][0],
        end_verse_id=lines[-1][0],
        duration_seconds=voice.seconds(len(pcm)),
        verses=timings,
        bitrate=KBPS * 1000,
        sample_rate=voice.sample_rate,
    )


def _build(out: Path, spec: Spec) -> Path:
    path = out / f"{spec.package_id}.bible"
    build(spec, path)
    return path
