"""Series: a Bible in several packages, each of use as it comes, in any order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

PARTS = 1000
"""More parts of a series are not asked for, whatever a manifest says."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a series a package is; `needs`: the packages that it depends on."""

    series_id: str
    series_name: str
    number: int
    of: int
    needs: tuple[str, ...] = ()


class SeriesPart(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part that is here."""

    part_number: int
    package_id: str


class Series(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A series that something is here of: its parts in order, and the numbers of the others."""

    series_id: str
    series_name: str
    total_parts: int
    parts: list[SeriesPart]
    missing_parts: list[int]


def series_here(here: Mapping[str, Part | None]) -> list[Series]:
    """Every series that something is here of; `here`: every package here, with the part it is."""
    groups: dict[str, list[tuple[Part, str]]] = {}
    for package_id, part in here.items():
        if part is not None:
            groups.setdefault(part.series_id, []).append((part, package_id))
    return [_series(group) for _, group in sorted(groups.items())]


def _series(group: Sequence[tuple[Part, str]]) -> Series:
    parts = sorted((part.number, package_id) for part, package_id in group)
    longest = max((part for part, _ in group), key=lambda part: part.of)
    numbers = {number for number, _ in parts}
    return Series(
        series_id=longest.series_id,
        series_name=longest.series_name,
        total_parts=longest.of,
        parts=[SeriesPart(part_number=number, package_id=id_) for number, id_ in parts],
        missing_parts=[n for n in range(1, min(longest.of, PARTS) + 1) if n not in numbers],
    )


def part_of(series_info: Mapping[str, Any] | None) -> Part | None:
    """The part that a manifest's seriesInfo tells of, where it tells of one."""
    if series_info is None or not {"seriesId", "partNumber", "totalParts"} <= series_info.keys():
        return None
    return Part(
        series_id=series_info["seriesId"],
        series_name=series_info.get("seriesName", series_info["seriesId"]),
        number=series_info["partNumber"],
        of=series_info["totalParts"],
        needs=tuple(series_info.get("dependencies", ())),
    )


def missing_parts(part: Part, others: Iterable[Part | None]) -> list[int]:
    """The numbers of the other parts of the series that are not here."""
    there = {one.number for one in others if one is not None and one.series_id == part.series_id}
    return [n for n in range(1, min(part.of, PARTS) + 1) if n != part.number and n not in there]


def missing_packages(part: Part, here: Collection[str]) -> list[str]:
    """The packages that a part depends on and that are not here."""
    return [one for one in part.needs if one not in here]


def completed(series_info: dict[str, Any], here: Mapping[str, Part | None]) -> dict[str, Any]:
    """`series_info` as the catalogue tells it: also which parts and packages are not here.

    `here`: every package here, by its id, with the part that it is.
    """
    part = part_of(series_info)
    if part is None:
        return series_info
    return {
        **series_info,
        "missingParts": missing_parts(part, here.values()),
        "missingDependencies": missing_packages(part, here.keys()),
    }


def notes(part: Part, missing: Sequence[int], absent: Sequence[str]) -> list[str]:
    """What to say of a part; each note completes "the package ..."."""
    said = [_place(part, missing)]
    if absent:
        said.append(f"needs {_listed(absent)}, not here yet, to be of full use")
    return said


def told(series_info: Mapping[str, Any] | None) -> str:
    """The notes on a package in the catalogue, as one text; empty outside a series."""
    part = part_of(series_info)
    if series_info is None or part is None:
        return ""
    missing = series_info.get("missingParts", ())
    return "; ".join(notes(part, missing, series_info.get("missingDependencies", ())))


def _place(part: Part, missing: Sequence[int]) -> str:
    note = f"is part {part.number} of {part.of} of {part.series_name}"
    if not missing:
        return f"{note}, which is whole now"
    noun, verb = ("part", "is") if len(missing) == 1 else ("parts", "are")
    return f"{note}, of which {noun} {_listed(list(map(str, missing)))} {verb} not here yet"


def _listed(words: Sequence[str]) -> str:
    """Up to eight of them in words."""
    if len(words) > 8:
        return f"{', '.join(words[:8])} and {len(words) - 8} more"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
