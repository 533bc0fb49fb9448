"""Whether what a client has of a version is out of date, told in one small answer.

What a client has is named by the newest `updated_at` among its rows. A row that came here late with
an older stamp is not seen like this, nor one that somebody took out of the database altogether: the
feed brings both all the same.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from hotspot.model.tables import Scope
from hotspot.model.wire import Message


class TableNews(Message, frozen=True, kw_only=True, omit_defaults=False):
    """Rows of one table with newer stamps, each counted once by what became of it."""

    added: int
    updated: int
    deleted: int

    @property
    def changes(self) -> int:
        return self.added + self.updated + self.deleted


class VersionNews(msgspec.Struct, frozen=True):
    """What a store has of a version: its newest stamp, all its rows, and the news by table."""

    latest: str
    rows: int
    tables: Mapping[str, TableNews]


class VersionStatusStore(Protocol):
    """A store that can tell how old a client's copy is."""

    async def version_news(self, scope: Scope, since: str | None) -> VersionNews | None:
        """Counts of the rows stamped after `since` (None: of all rows).

        None for a version that is not known here.
        """


class Recommendation(StrEnum):
    """What a client should do: nothing, read the feed, or fetch the package anew."""

    NONE = "none"
    INCREMENTAL = "incremental"
    FULL = "full"


class VersionStatus(Message, frozen=True, kw_only=True, omit_defaults=False):
    """`GET sync/version-status`. `latest_version`: the newest `updated_at`, to be named next time.

    `changes`: rows with newer stamps; `changes_summary`: the same by table, where there are any.
    """

    needs_update: bool
    latest_version: str
    changes: int
    update_recommendation: Recommendation
    changes_summary: dict[str, TableNews]


def status_of(news: VersionNews) -> VersionStatus:
    """What to answer. Where more than half of the rows changed, the package is less work."""
    summary = {name: table for name, table in news.tables.items() if table.changes}
    changes = sum(table.changes for table in summary.values())
    if not changes:
        recommended = Recommendation.NONE
    elif 2 * changes > news.rows:
        recommended = Recommendation.FULL
    else:
        recommended = Recommendation.INCREMENTAL
    return VersionStatus(
        needs_update=changes > 0,
        latest_version=news.latest,
        changes=changes,
        update_recommendation=recommended,
        changes_summary=summary,
    )
