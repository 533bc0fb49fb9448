"""What to do with a package that was found on a stick, before a byte of it is copied."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from hotspot.model import series
from hotspot.model.series import Part

RESERVE_BYTES = 64 * 1000 * 1000
"""Room on the card that an import never takes: the database and the system must go on."""

SCRATCH_FACTOR = 3
"""The database section is unpacked and re-written while it is checked, and then merged."""

APP_VERSION = "1.0.0"
"""The application's version whose packages are understood here (`minAppVersion`)."""


class ImportAction(StrEnum):
    """What becomes of a package that was found."""

    NEW = "new"
    NEWER = "newer"
    REPAIRED = "repaired"
    SAME = "same"
    OLDER = "older"
    SUPERSEDED = "superseded"
    CONFLICTING = "conflicting"
    TOO_NEW = "too_new"
    NO_SPACE = "no_space"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REMOVED = "removed"

    @property
    def imports(self) -> bool:
        return self in (ImportAction.NEW, ImportAction.NEWER, ImportAction.REPAIRED)

    @property
    def failed(self) -> bool:
        """Whether a person may want to do something about it."""
        return self in _FAILED


_FAILED = frozenset(
    {
        ImportAction.CONFLICTING,
        ImportAction.TOO_NEW,
        ImportAction.NO_SPACE,
        ImportAction.REFUSED,
        ImportAction.INTERRUPTED,
        ImportAction.CHANGED,
        ImportAction.CANCELLED,
    }
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A package on a stick, by its header and manifest. Sizes in bytes.

    `copied`: how much of it is on the card already. `app_version`: the oldest application that
    understands it.
    """

    package_id: str
    version: str
    size: int
    database_size: int
    copied: int = 0
    app_version: str = APP_VERSION
    conflicts_with: tuple[str, ...] = ()
    supersedes: str | None = None
    part: Part | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A package that is here already. `size` in bytes.

    `complete`: none of it is damaged; `damaged`: how many of its audio files are.
    """

    package_id: str
    version: str
    size: int = 0
    complete: bool = True
    damaged: int = 0
    conflicts_with: tuple[str, ...] = ()
    supersedes: str | None = None
    part: Part | None = None


class Room(msgspec.Struct, frozen=True):
    """The card, in bytes: what is free, what is never taken, what other cut copies occupy."""

    free: int
    reserve: int = RESERVE_BYTES
    cut_copies: int = 0


class ImportPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and the sentence that a helper in the village reads.

    `notes`: more to say once it is imported; each completes "the package ...".
    `give_up`: packages to remove before the copy, because others replace them and room is short;
    `drop_cut_copies`: likewise copies of other packages that were cut off.
    """

    action: ImportAction
    sentence: str
    notes: tuple[str, ...] = ()
    give_up: tuple[str, ...] = ()
    drop_cut_copies: bool = False


def plan_import(found: Found, here: Sequence[Held], room: Room) -> ImportPlan:
    """Decides about `found`, with `here` all that the hotspot has."""
    name = f"Package {found.package_id} version {found.version}"
    held = next((one for one in here if one.package_id == found.package_id), None)
    others = [one for one in here if one is not held]
    refusal = (
        _too_new(name, found)
        or _held_already(name, found, held)
        or _superseded(name, found, others)
        or _conflicting(name, found, others)
    )
    if refusal is not None:
        return refusal
    missing = needed_bytes(found) + room.reserve - room.free
    give_up = _to_give_up(missing - room.cut_copies, found, here)
    if give_up is None:
        return ImportPlan(
            action=ImportAction.NO_SPACE,
            sentence=f"{name} does not fit: the card needs {_mb(missing)} MB more room. "
            "Remove packages that nobody uses, or use a bigger card.",
        )
    again = held is not None and version_of(found.version) == version_of(held.version)
    action = ImportAction.REPAIRED if again else ImportAction.NEWER
    return ImportPlan(
        action=ImportAction.NEW if held is None else action,
        sentence=f"{name} is being imported.",
        notes=_notes(found, others),
        give_up=give_up,
        drop_cut_copies=missing > 0,
    )


def needed_bytes(found: Found) -> int:
    """The room that is still needed to import `found`, without the reserve."""
    return max(found.size - found.copied, 0) + SCRATCH_FACTOR * found.database_size


def replaced(here: Iterable[Held]) -> dict[str, str]:
    """The packages here that another one here supersedes, and by which."""
    by_id = {one.package_id: one for one in here}
    found = {}
    for one in by_id.values():
        old = by_id.get(one.supersedes or "")
        if old is not None and old is not one and old.supersedes != one.package_id:
            found[old.package_id] = one.package_id
    return found


def excluded(here: Sequence[Held]) -> dict[str, str]:
    """The packages here that another one supersedes and cannot be beside, and which that is."""
    by_id = {one.package_id: one for one in here}
    return {
        old: new
        for old, new in replaced(here).items()
        if old in by_id[new].conflicts_with or new in by_id[old].conflicts_with
    }


def version_of(text: str) -> tuple[int, ...]:
    """A dotted version as numbers that compare: 1.10 is later than 1.9, and 1.0 is 1.

    Raises ValueError for what is not dotted whole numbers.
    """
    parts = [int(part) for part in text.split(".") if part.isascii() and part.isdigit()]
    if len(parts) != text.count(".") + 1 or len(text) > 60:
        raise ValueError(f"{text[:60]!r} is not a version: whole numbers with dots between them.")
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _too_new(name: str, found: Found) -> ImportPlan | None:
    """What does not name a version of an application does not ask for one."""
    try:
        asked = version_of(found.app_version)
    except ValueError:
        return None
    if asked <= version_of(APP_VERSION):
        return None
    return ImportPlan(
        action=ImportAction.TOO_NEW,
        sentence=f"{name} is made for version {found.app_version} of the application, and only "
        f"{APP_VERSION} is known here: update the hotspot's software.",
    )


def _held_already(name: str, found: Found, held: Held | None) -> ImportPlan | None:
    if held is None or version_of(found.version) > version_of(held.version):
        return None
    if version_of(found.version) == version_of(held.version):
        here = ImportPlan(action=ImportAction.SAME, sentence=f"{name} is here already.")
        return here if held.complete else None
    return ImportPlan(
        action=ImportAction.OLDER,
        sentence=f"{name} is older than version {held.version}, which is here: it was left alone.",
    )


def _superseded(name: str, found: Found, others: Sequence[Held]) -> ImportPlan | None:
    newer = (one for one in others if one.supersedes == found.package_id)
    by = next((one.package_id for one in newer if one.package_id != found.supersedes), None)
    if by is None:
        return None
    return ImportPlan(
        action=ImportAction.SUPERSEDED,
        sentence=f"{name} is replaced by package {by}, which is here: it was left alone.",
    )


def _conflicting(name: str, found: Found, others: Sequence[Held]) -> ImportPlan | None:
    """What it replaces gives way; anything else that it cannot be beside does not."""
    for one in others:
        apart = one.package_id in found.conflicts_with or found.package_id in one.conflicts_with
        if apart and one.package_id != found.supersedes:
            return ImportPlan(
                action=ImportAction.CONFLICTING,
                sentence=f"{name} cannot be here together with package {one.package_id}: "
                "remove that one first, if this one is to take its place.",
            )
    return None


def _to_give_up(missing: int, found: Found, here: Sequence[Held]) -> tuple[str, ...] | None:
    """Replaced packages whose removal makes `missing` bytes of room, the biggest first.

    None: not even all of them would do; then none is to be removed.
    """
    gone = replaced(here)
    old = [one for one in here if one.package_id in gone and one.package_id != found.package_id]
    given_up = []
    for one in sorted(old, key=lambda one: (-one.size, one.package_id)):
        if missing <= 0:
            break
        given_up.append(one.package_id)
        missing -= one.size
    return tuple(given_up) if missing <= 0 else None


def _notes(found: Found, others: Sequence[Held]) -> tuple[str, ...]:
    notes = []
    ids = {one.package_id for one in others}
    if found.supersedes in ids:
        notes.append(f"takes the place of package {found.supersedes}")
    if found.part is not None:
        missing = series.missing_parts(found.part, (one.part for one in others))
        notes += series.notes(found.part, missing, series.missing_packages(found.part, ids))
    return tuple(notes)


def _mb(size: int) -> str:
    return f"{max(size / 1e6, 0.1):,.1f}" if size < 10_000_000 else f"{size / 1e6:,.0f}"
