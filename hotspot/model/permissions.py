"""What a new device may do, as a person says it."""

from collections.abc import Collection

from hotspot.errors import BadRequest
from hotspot.model.records import parse_id

MAX_SCOPES = 1_000


def limits(role: str, scopes: Collection[str]) -> frozenset[str] | None:
    """The versions that a device of this role is limited to; None, for all, where none is named.

    Raises BadRequest for what is no version's id, and for roles that cannot be limited.
    """
    if not scopes:
        return None
    if role != "editor":
        raise BadRequest("Only the role editor can be limited to versions.")
    if len(scopes) > MAX_SCOPES:
        raise BadRequest(f"A device can be limited to {MAX_SCOPES} versions at most.")
    try:
        return frozenset(parse_id(scope) for scope in scopes)
    except ValueError as error:
        raise BadRequest(str(error)) from None
