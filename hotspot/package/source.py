"""A folder that a package is built from.

- `package.toml`, always:

      package_id = "eng-example"          # stays from version to version
      package_version = "1.0.0"
      created_at = "2026-01-01T00:00:00Z"
      updated_at = "2025-12-01T00:00:00Z" # the rows' stamp, if it is not created_at

      [language]
      id = "<UUID>"
      name = "English"
      iso_639_3 = "eng"

      [bible_version]                     # how verses are counted
      id = "protestant"
      name = "Protestant canon"

      [text]                              # if there is verses.tsv
      name = "Example Version"
      id = "<UUID>"                       # if missing, it follows from package_id

      [audio]                             # if there is timings.json
      name = "Example Version, read"

- `verses.tsv`: one verse a line, `john-3-16<TAB>For God so loved the world ...`, in UTF-8.
- `timings.json` and `audio/`: `{"files": [{"file": "john-3.mp3", "chapter_id": "john-3",
  "start_verse_id": "john-3-1", "end_verse_id": "john-3-36", "duration_seconds": 301.5, "verses":
  [{"verse_id": "john-3-1", "start_time_seconds": 0.0, "duration_seconds": 4.2}, ...]}, ...]}`;
  optionally `bitrate_kbps` and `sample_rate`. Every file in `audio/` is named there.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

import msgspec

from hotspot.errors import BadRequest
from hotspot.package.manifest import FileName
from hotspot.package.spec import Audio, BibleVersion, Chapter, Language, Spec, Text, Timing

T = TypeVar("T")


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of `package.toml`."""


class _Version(_Strict, frozen=True, kw_only=True):
    name: str
    id: str | None = None
    source: str | None = None


class _Settings(_Strict, frozen=True, kw_only=True):
    package_id: str
    package_version: str
    created_at: str
    updated_at: str | None = None
    created_by: str | None = None
    min_app_version: str = "1.0.0"
    conflicts_with: list[str] = []
    supersedes: str | None = None
    language: Language
    bible_version: BibleVersion
    text: _Version | None = None
    audio: _Version | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    file: FileName
    chapter_id: str
    start_verse_id: str
    end_verse_id: str
    duration_seconds: float
    verses: list[Timing] = []
    bitrate_kbps: float | None = None
    sample_rate: float | None = None


class _Timings(msgspec.Struct, frozen=True, kw_only=True):
    files: list[_File]


def read_folder(folder: Path) -> Spec:
    """What the folder says; the verses are read when they are asked for, line by line.

    Raises BadRequest for a file that is missing where another asks for it, or cannot be understood.
    """
    settings = _settings(folder / "package.toml")
    for present, wanted, table in (
        ("verses.tsv", settings.text, "text"),
        ("timings.json", settings.audio, "audio"),
    ):
        if (folder / present).is_file() != (wanted is not None):
            raise BadRequest(f"{present} and the table [{table}] of package.toml belong together.")
    return Spec(
        package_id=settings.package_id,
        package_version=settings.package_version,
        created_at=settings.created_at,
        updated_at=settings.updated_at,
        created_by=settings.created_by,
        min_app_version=settings.min_app_version,
        conflicts_with=settings.conflicts_with,
        supersedes=settings.supersedes,
        language=settings.language,
        bible_version=settings.bible_version,
        text=_text(folder, settings, settings.text) if settings.text else None,
        audio=_audio(folder, settings, settings.audio) if settings.audio else None,
    )


def _settings(path: Path) -> _Settings:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(found, _Settings)
    except FileNotFoundError:
        raise BadRequest(f"The folder {path.parent} has no package.toml.") from None
    except ValueError as error:
        raise BadRequest(f"package.toml cannot be understood: {error}.") from None


def _version_id(settings: _Settings, version: _Version, kind: str) -> str:
    return version.id or str(uuid5(NAMESPACE_URL, f"{settings.package_id}/{kind}"))


def _text(folder: Path, settings: _Settings, version: _Version) -> Text:
    return Text(
        id=_version_id(settings, version, "text"),
        name=version.name,
        source=version.source,
        verses=_verses(folder / "verses.tsv"),
    )


def _verses(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                verse_id, tab, text = line.rstrip("\r\n").partition("\t")
                if not tab or not text.strip():
                    raise BadRequest(f"Line {number} of {path.name} is not: verse id, tab, text.")
                yield verse_id, text
        except UnicodeDecodeError:
            raise BadRequest(f"{path.name} is not UTF-8 text.") from None


def _audio(folder: Path, settings: _Settings, version: _Version) -> Audio:
    try:
        raw = (folder / "timings.json").read_bytes()
        files = msgspec.json.decode(raw, type=_Timings).files
    except ValueError as error:
        raise BadRequest(f"timings.json cannot be understood: {error}.") from None
    named = {file.file for file in files}
    there = {path.name for path in (folder / "audio").glob("*")}
    for name in sorted(named ^ there):
        where = "audio/, but not in timings.json" if name in there else "timings.json only"
        raise BadRequest(f"The audio file {name!r} is in {where}.")
    return Audio(
        id=_version_id(settings, version, "audio"),
        name=version.name,
        chapters=[_chapter(folder / "audio" / file.file, file) for file in files],
    )


def _chapter(path: Path, file: _File) -> Chapter:
    return Chapter(
        path=path,
        chapter_id=file.chapter_id,
        start_verse_id=file.start_verse_id,
        end_verse_id=file.end_verse_id,
        duration_seconds=file.duration_seconds,
        verses=file.verses,
        bitrate=None if file.bitrate_kbps is None else file.bitrate_kbps * 1000,
        sample_rate=file.sample_rate,
    )
