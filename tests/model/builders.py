"""Records for tests, short to write."""

from hotspot.model import instants, records
from hotspot.model.records import Record
from hotspot.model.tables import VERSE_TEXTS

VERSION_ID = "5f0c1f9e-1111-4111-8111-000000000001"
START_MS = instants.to_ms("2026-11-22T10:00:00.000Z")


def uuid(number: int) -> str:
    """A valid record id that shows its number."""
    return f"00000000-0000-4000-8000-{number:012x}"


def at(ms: int) -> str:
    """The instant `ms` milliseconds after the tests' morning."""
    return instants.from_ms(START_MS + ms)


def verse(text: str, ms: int = 0, *, number: int = 1, deleted: bool = False) -> Record:
    """A verse with this text, stamped `ms` after the tests' morning."""
    fields = {
        "verse_id": f"john-3-{number}",
        "text_version_id": VERSION_ID,
        "verse_text": text,
        "version": 1,
        "publish_status": "published",
        "deleted_at": at(ms) if deleted else None,
        "created_at": at(0),
    }
    return records.build(VERSE_TEXTS, uuid(number), fields, at(ms))
