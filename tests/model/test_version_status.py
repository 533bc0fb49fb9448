"""What is recommended to a client whose copy is so old."""

import pytest

from hotspot.model.version_status import Recommendation, TableNews, VersionNews, status_of

T = "2026-11-22T10:00:00.000Z"


@pytest.mark.parametrize(
    ("changes", "recommended"),
    [
        (0, Recommendation.NONE),
        (1, Recommendation.INCREMENTAL),
        (50, Recommendation.INCREMENTAL),
        (51, Recommendation.FULL),
        (100, Recommendation.FULL),
    ],
)
def test_the_package_where_most_rows_changed(changes: int, recommended: Recommendation) -> None:
    news = TableNews(added=0, updated=changes, deleted=0)
    status = status_of(VersionNews(T, 100, {"verse_texts": news}))
    assert (status.needs_update, status.changes) == (changes > 0, changes)
    assert status.update_recommendation is recommended


def test_the_summary_names_the_tables_that_changed() -> None:
    none = TableNews(added=0, updated=0, deleted=0)
    some = TableNews(added=1, updated=2, deleted=3)
    status = status_of(VersionNews(T, 100, {"text_versions": none, "verse_texts": some}))
    assert (status.latest_version, status.changes) == (T, 6)
    assert status.changes_summary == {"verse_texts": some}
