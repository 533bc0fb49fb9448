"""How much of a version is newer than what a client has."""

from functools import cache

from hotspot.model.tables import Scope, Table, in_scope
from hotspot.model.version_status import TableNews, VersionNews
from hotspot.store.part import Part
from hotspot.store.rows import fetch
from hotspot.store.transaction import VERSION_TABLES


class VersionStatuses(Part):
    """`model.version_status.VersionStatusStore`."""

    async def version_news(self, scope: Scope, since: str | None) -> VersionNews | None:
        asked = {"scope": scope.id, "since": since}
        async with self._database.snapshot() as connection:
            known = f"SELECT 1 FROM {VERSION_TABLES[scope.kind]} WHERE id = :scope"
            if not await fetch(connection, known, asked):
                return None
            counted = {
                table.name: (await fetch(connection, _news_sql(table), asked))[0]
                for table in in_scope(scope.kind)
            }
        return VersionNews(
            latest=max(latest for _, latest, *_ in counted.values() if latest is not None),
            rows=sum(rows for rows, *_ in counted.values()),
            tables={
                name: TableNews(added=added, updated=updated, deleted=deleted)
                for name, (_, _, added, updated, deleted) in counted.items()
            },
        )


@cache
def _news_sql(table: Table) -> str:
    newer = "(:since IS NULL OR updated_at > :since)"
    added = "(:since IS NULL OR created_at > :since) IS TRUE"
    return f"""
        SELECT count(*), max(updated_at),
          count(*) FILTER (WHERE {newer} AND deleted_at IS NULL AND {added}),
          count(*) FILTER (WHERE {newer} AND deleted_at IS NULL AND NOT {added}),
          count(*) FILTER (WHERE {newer} AND deleted_at IS NOT NULL)
        FROM {table.name} WHERE {table.scope_column} = :scope
    """
