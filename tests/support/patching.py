"""Patches that find their place by the lines themselves, wherever these have moved to.

A patch is a unified diff of files that exist. What it removes, with the lines around it, has to
stand in its file exactly once. Where nothing fits, lines at the edges of the context may differ;
line numbers are never looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


class DoesNotFit(Exception):
    """The patch has no place in the file, or more than one: a sentence that says which."""


@dataclass(slots=True)
class Hunk:
    """One change: `lines`, each with the sign that the diff gives it."""

    path: str
    lines: list[str] = field(default_factory=list)

    @property
    def leading(self) -> int:
        """How many lines of context stand before the first change."""
        signs = [line[0] for line in self.lines]
        return next(i for i, sign in enumerate(signs) if sign != " ")

    @property
    def trailing(self) -> int:
        """How many lines of context stand behind the last change."""
        return Hunk(self.path, self.lines[::-1]).leading

    def cut(self, before: int, behind: int) -> tuple[list[str], list[str]]:
        """The lines to find and those to put there, without some of the context at the edges."""
        kept = self.lines[before : len(self.lines) - behind]
        return (
            [line[1:] for line in kept if line[0] != "+"],
            [line[1:] for line in kept if line[0] != "-"],
        )


def hunks(patch: str) -> list[Hunk]:
    """The changes of a patch; lines before its first file are left out.

    Raises DoesNotFit for a patch that changes nothing.
    """
    found: list[Hunk] = []
    path = ""
    for before, line in pairwise(["", *patch.splitlines()]):
        if before.startswith("--- ") and line.startswith("+++ "):
            path = line.removeprefix("+++ ").removeprefix("b/")
            _drop_last(found, before)
        elif line.startswith("@@"):
            found.append(Hunk(path))
        elif found and line[:1] in "+- ":
            found[-1].lines.append(line or " ")
    for hunk in found:
        while hunk.lines and hunk.lines[-1] == " ":
            hunk.lines.pop()  # the blank lines between this and the next file
    if not found or any(not _changes(hunk) for hunk in found):
        raise DoesNotFit("The patch changes nothing.")
    return found


def applied(patch: str, files: Mapping[str, str]) -> dict[str, str]:
    """The files that `patch` changes, changed. `files`: every file that it names, by its path.

    Raises DoesNotFit.
    """
    changed: dict[str, str] = {}
    for hunk in hunks(patch):
        changed[hunk.path] = _apply(hunk, changed.get(hunk.path, files[hunk.path]))
    return changed


def _drop_last(found: Sequence[Hunk], header: str) -> None:
    """Takes back a line that only the next one showed to be the header of another file."""
    if found and found[-1].lines[-1:] == [header]:
        found[-1].lines.pop()


def _changes(hunk: Hunk) -> bool:
    return any(line[0] != " " for line in hunk.lines)


def _apply(hunk: Hunk, text: str) -> str:
    lines = text.split("\n")
    for old, new in _attempts(hunk):
        places = [i for i in range(len(lines)) if lines[i : i + len(old)] == old]
        if len(places) > 1:
            raise DoesNotFit(f"It fits in {len(places)} places of {hunk.path}: add context.")
        if places:
            at = places[0]
            return "\n".join([*lines[:at], *new, *lines[at + len(old) :]])
    raise DoesNotFit(f"What it changes is not in {hunk.path} any more.")


def _attempts(hunk: Hunk) -> Iterator[tuple[list[str], list[str]]]:
    """What to look for and to put there: with all of the context first, then with ever less."""
    cuts = [(i, j) for i in range(hunk.leading + 1) for j in range(hunk.trailing + 1)]
    for before, behind in sorted(cuts, key=sum):
        old, new = hunk.cut(before, behind)
        if any(line.strip() for line in old):
            yield old, new
