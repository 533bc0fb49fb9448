"""Taking back what a device edited, where nobody has edited it since."""

import msgspec

from hotspot.model import instants, records
from hotspot.model.conflicts import Restoration, restoration
from hotspot.model.records import Record
from hotspot.model.stores import Accepted, Provenance


class Touched(msgspec.Struct, frozen=True):
    """A record that a device edited: the content (hash) as which it left it, and what had been
    there before its edits; None: nothing."""

    table: str
    id: str
    hash: str
    former: Record | None


def undone(
    touched: Touched, standing: Record | None, now: str, provenance: Provenance
) -> Restoration | None:
    """The edit that takes the device's back; what it made is kept as a version that lost.

    None where the row is not as the device left it, or as it was before.
    """
    if standing is None or standing.hash != touched.hash:
        return None
    if touched.former is None:
        return None if standing.deleted else _deletion(standing, now, provenance)
    if touched.former.hash == standing.hash:
        return None
    return restoration(touched.former, standing, now, provenance)


def _deletion(standing: Record, now: str, provenance: Provenance) -> Restoration:
    stamp = max(now, instants.later(standing.updated_at, 1))
    record = records.make(standing, stamp, {**standing.values, "deleted_at": stamp})
    return Restoration(
        Accepted(msgspec.structs.replace(record, former=None), standing, provenance), ()
    )
