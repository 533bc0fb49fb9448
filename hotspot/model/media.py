"""Which audio has to be fetched when the record of an audio file changes."""

from hotspot.model.records import Record

NAMES_AUDIO = ("object_key", "remote_path")
"""Columns that say which recording it is; another value is another recording."""


def wants_audio(before: Record | None, after: Record) -> bool:
    """Whether the audio that `after` names has to come from upstream.

    `before`: the row that was here, whose audio is here, or None for a file that is new.
    """
    if after.deleted:
        return False
    if before is None:
        return any(after.values[name] is not None for name in NAMES_AUDIO)
    return any(after.values[name] != before.values[name] for name in NAMES_AUDIO)
