import pytest

from hotspot.model import records
from hotspot.model.media import wants_audio
from hotspot.model.records import Record
from hotspot.model.tables import MEDIA_FILES
from tests.model.builders import at, uuid


def chapter(key: str | None, path: str | None = None, *, deleted: bool = False) -> Record:
    fields = {"language_entity_id": uuid(9), "object_key": key, "remote_path": path}
    return records.build(
        MEDIA_FILES, uuid(1), {**fields, "deleted_at": at(0) if deleted else None}, at(0)
    )


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (chapter("a"), chapter("b"), True),
        (chapter("a", "x"), chapter("a", "y"), True),
        (chapter("a"), chapter("a"), False),
        (chapter("a"), chapter("b", deleted=True), False),
        (None, chapter("a"), True),
        (None, chapter(None, "x"), True),
        (None, chapter(None), False),
    ],
)
def test_another_name_is_another_recording(
    before: Record | None, after: Record, wanted: bool
) -> None:
    assert wants_audio(before, after) == wanted
