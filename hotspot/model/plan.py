"""What to do with a package that was found on a stick, before a byte of it is copied."""

from enum import StrEnum

import msgspec

RESERVE_BYTES = 64 * 1024 * 1024
"""Room on the card that an import never takes: the database and the system must go on."""

SCRATCH_FACTOR = 3
"""The database section is unpacked and re-written while it is checked, and then merged."""


class ImportAction(StrEnum):
    """What becomes of a package that was found."""

    NEW = "new"
    NEWER = "newer"
    SAME = "same"
    OLDER = "older"
    NO_SPACE = "no_space"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"

    @property
    def imports(self) -> bool:
        return self in (ImportAction.NEW, ImportAction.NEWER)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A package on a stick, by its header and manifest. Sizes in bytes."""

    package_id: str
    version: str
    size: int
    database_size: int
    copied: int = 0


class Held(msgspec.Struct, frozen=True):
    """The version of the same package that is here already."""

    version: str


class ImportPlan(msgspec.Struct, frozen=True):
    """What to do, and the sentence that a helper in the village reads."""

    action: ImportAction
    sentence: str


def plan_import(found: Found, held: Held | None, free_bytes: int) -> ImportPlan:
    """Decides about `found`. `free_bytes`: room on the card now; `found.copied`: there already."""
    name = f"Package {found.package_id} version {found.version}"
    if held is not None and version_of(found.version) == version_of(held.version):
        return ImportPlan(ImportAction.SAME, f"{name} is here already.")
    if held is not None and version_of(found.version) < version_of(held.version):
        newer = f"{name} is older than version {held.version}, which is here: it was left alone."
        return ImportPlan(ImportAction.OLDER, newer)
    needed = found.size - found.copied + SCRATCH_FACTOR * found.database_size + RESERVE_BYTES
    if needed > free_bytes:
        missing = (needed - free_bytes) / 1e6
        return ImportPlan(
            ImportAction.NO_SPACE,
            f"{name} does not fit: the card needs {missing:.0f} MB more room. "
            "Remove packages that nobody uses, or use a bigger card.",
        )
    action = ImportAction.NEW if held is None else ImportAction.NEWER
    return ImportPlan(action, f"{name} is being imported.")


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
