"""How much of a version is newer than what a client has."""

from functools import cache

from asyncpg import Connection

from hotspot.model.tables import Scope, Table, in_scope
from hotspot.model.version_status import TableNews, VersionNews


async def version_news(
    connection: Connection, scope: Scope, since: str | None
) -> VersionNews | None:
    """Counts of one moment; None for a version that is not known here."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        counted = {
            table: await connection.fetchrow(_news_sql(table), scope.id, since)
            for table in in_scope(scope.kind)
        }
    if not any(row["rows"] for table, row in counted.items() if table.defines_scope):
        return None
    return VersionNews(
        latest=max(row["latest"] for row in counted.values() if row["latest"] is not None),
        rows=sum(row["rows"] for row in counted.values()),
        tables={
            table.name: TableNews(
                added=row["added"], updated=row["updated"], deleted=row["deleted"]
            )
            for table, row in counted.items()
        },
    )


@cache
def _news_sql(table: Table) -> str:
    newer = "($2::text IS NULL OR updated_at > $2::text::timestamptz)"
    added = "($2::text IS NULL OR created_at > $2::text::timestamptz) IS TRUE"
    return f"""
        SELECT count(*) AS rows, canonical(max(updated_at)) AS latest,
          count(*) FILTER (WHERE {newer} AND deleted_at IS NULL AND {added}) AS added,
          count(*) FILTER (WHERE {newer} AND deleted_at IS NULL AND NOT {added}) AS updated,
          count(*) FILTER (WHERE {newer} AND deleted_at IS NOT NULL) AS deleted
        FROM {table.name} WHERE {table.scope_column} = $1
    """
