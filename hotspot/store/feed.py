"""The feed: current rows after a position, in the order in which transactions changed them.

A position is (seq, table, id). Nothing is logged: a row's seq moves when the row changes, so a
record that changed twice comes once, and a whole import is one seq whose rows are paged by id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiosqlite

from hotspot.errors import PositionGone
from hotspot.model import positions
from hotspot.model.records import Key
from hotspot.model.stores import FeedPage, FeedQuery, FeedScope
from hotspot.model.tables import BY_NAME, CONTENT_TABLES, Scope, ScopeKind, Table, in_scope
from hotspot.store import aliases
from hotspot.store.part import Part
from hotspot.store.rows import as_json, fetch, read_rows
from hotspot.store.transaction import VERSION_TABLES

_BEFORE_ALL, _AFTER_ALL = "", "~"
"""Texts that sort before and after every record id."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row that was read: `table` is its place among CONTENT_TABLES."""

    seq: int = 0
    table: int = 0
    id: str = _BEFORE_ALL

    def bound(self, table: int) -> str:
        """Rows of `table` with this seq have been read up to this id."""
        if table == self.table:
            return self.id
        return _AFTER_ALL if table < self.table else _BEFORE_ALL


@dataclass(frozen=True, slots=True)
class _Asked:
    """One scope of a query, its cursor, and what the database has of it."""

    scope: Scope
    token: str | None
    cursor: Cursor
    known: bool = False
    news: bool = False


class Feed(Part):
    """`RecordStore.read_changes` and `package_scopes`."""

    async def read_changes(self, query: FeedQuery) -> FeedPage:
        async with self._database.snapshot() as connection:
            head = await newest_seq(connection)
            asked = await _look(connection, self._cursors(query, head))
            if query.record_ids is not None:
                return await _named(connection, query, asked)
            return await self._page(connection, query, asked, head)

    async def package_scopes(self, package_id: str) -> Sequence[Scope] | None:
        rows = await self._database.read(
            """
            SELECT s.scope_kind, s.scope_id
            FROM local_packages p LEFT JOIN package_scopes s ON s.package_id = p.id
            WHERE p.id = ? ORDER BY s.scope_kind, s.scope_id
            """,
            (package_id,),
        )
        if not rows:
            return None
        return [Scope(ScopeKind(kind), id_) for kind, id_ in rows if kind is not None]

    def _cursors(self, query: FeedQuery, head: int) -> list[_Asked]:
        asked = []
        for scope, token in query.scopes:
            cursor = Cursor()
            if token is not None:
                seq, table, id_ = positions.decode(self._database.epoch, token, (int, int, str))
                cursor = Cursor(int(seq), int(table), str(id_))
            if cursor.seq > head:
                raise PositionGone("This position is ahead of what is here: start over without it.")
            asked.append(_Asked(scope, token, cursor))
        return asked

    async def _page(
        self, connection: aiosqlite.Connection, query: FeedQuery, asked: list[_Asked], head: int
    ) -> FeedPage:
        keys: list[Key] = []
        states = []
        written = positions.named(self._database.epoch, query.written)
        for one in asked:
            room = query.limit - len(keys)
            found: list[tuple[int, int, str]] = []
            if one.news and room > 0:
                found = await _keys(connection, one, query, written, room + 1)
            more = one.news and (room <= 0 or len(found) > room)
            page = found[:room]
            keys += [Key(CONTENT_TABLES[table].name, id_) for _, table, id_ in page]
            token = self._token(one, page, head, more=more)
            states.append(FeedScope(one.scope, token, more, one.known))
        rows = await read_rows(connection, keys)
        named = await aliases.of_deleted(connection, rows.values())
        return FeedPage([rows[key] for key in keys], states, named)

    def _token(
        self, one: _Asked, page: Sequence[tuple[int, int, str]], head: int, *, more: bool
    ) -> str | None:
        """Where the scope has been read to; the same token where there was nothing to read.

        At its end that is the newest transaction of the whole store, so that the next look at the
        scope begins behind all rows that it has now.
        """
        if not one.known or (one.token is not None and not one.news) or (more and not page):
            return one.token
        epoch = self._database.epoch
        return positions.encode(epoch, *page[-1]) if more else end_token(epoch, head)


def end_token(epoch: str, head: int) -> str:
    """The position behind all rows that the store has when `head` is its newest transaction."""
    return positions.encode(epoch, head, len(CONTENT_TABLES), _BEFORE_ALL)


async def newest_seq(connection: aiosqlite.Connection) -> int:
    """The newest write transaction."""
    return int((await fetch(connection, "SELECT value FROM meta WHERE key = 'seq'"))[0][0])


def _tables(kind: ScopeKind) -> list[tuple[int, Table]]:
    """The tables of a scope of this kind, and their places among CONTENT_TABLES."""
    return [(CONTENT_TABLES.index(table), table) for table in in_scope(kind)]


@cache
def _look_sql(kind: ScopeKind) -> str:
    """For each asked scope: is it known, and are there rows after its cursor."""
    news = " OR ".join(
        f"""EXISTS (SELECT 1 FROM {table.name} WHERE {table.scope_column} = a.value ->> 1
                    AND (seq, id) > (a.value ->> 2, a.value ->> {3 + index}))"""
        for index, (_, table) in enumerate(_tables(kind))
    )
    known = f"EXISTS (SELECT 1 FROM {VERSION_TABLES[kind]} WHERE id = a.value ->> 1)"
    return f"SELECT a.value ->> 0, {known}, {news} FROM json_each(:{kind}) a"


_LOOK = " UNION ALL ".join(_look_sql(kind) for kind in ScopeKind)


async def _look(connection: aiosqlite.Connection, asked: Sequence[_Asked]) -> list[_Asked]:
    """What the database has of each scope: one statement, however many scopes there are."""
    rows: dict[str, list[list[Any]]] = {kind: [] for kind in ScopeKind}
    for index, one in enumerate(asked):
        bounds = [one.cursor.bound(place) for place, _ in _tables(one.scope.kind)]
        rows[one.scope.kind].append([index, one.scope.id, one.cursor.seq, *bounds])
    looked = list(asked)
    parameters = {kind: as_json(given) for kind, given in rows.items()}
    for index, known, news in await fetch(connection, _LOOK, parameters):
        one = asked[index]
        looked[index] = _Asked(one.scope, one.token, one.cursor, bool(known), bool(known and news))
    return looked


async def _keys(
    connection: aiosqlite.Connection,
    one: _Asked,
    query: FeedQuery,
    written: Sequence[int],
    limit: int,
) -> list[tuple[int, int, str]]:
    """The first `limit` rows after the cursor, as (seq, table, id)."""
    since = query.since if one.token is None else None
    wanted = frozenset(query.tables) if query.tables is not None else None
    sql = _keys_sql(one.scope.kind, wanted, since is not None)
    if not sql:
        return []
    parameters = {
        "scope": one.scope.id,
        "seq": one.cursor.seq,
        "since": since,
        "limit": limit,
        "written": as_json(written),
        **{f"after{place}": one.cursor.bound(place) for place, _ in _tables(one.scope.kind)},
    }
    return [(seq, table, id_) for seq, table, id_ in await fetch(connection, sql, parameters)]


@cache
def _keys_sql(kind: ScopeKind, wanted: frozenset[str] | None, since: bool) -> str:
    late = "AND updated_at >= :since" if since else ""
    parts = [
        f"""SELECT * FROM (
              SELECT seq, {place} AS place, id FROM {table.name}
              WHERE {table.scope_column} = :scope AND (seq, id) > (:seq, :after{place}) {late}
                AND seq NOT IN (SELECT value FROM json_each(:written))
              ORDER BY seq, id LIMIT :limit)"""
        for place, table in _tables(kind)
        if wanted is None or table.name in wanted
    ]
    return f"{' UNION ALL '.join(parts)} ORDER BY seq, place, id LIMIT :limit" if parts else ""


async def _named(
    connection: aiosqlite.Connection, query: FeedQuery, asked: Sequence[_Asked]
) -> FeedPage:
    """The named records of the asked scopes; no position moves."""
    tables: Collection[str] = BY_NAME if query.tables is None else query.tables
    keys = [Key(table, id_) for id_ in query.record_ids or () for table in tables]
    rows = await read_rows(connection, keys)
    scopes = {one.scope for one in asked if one.known}
    records = [rows[key] for key in keys if key in rows and rows[key].scope in scopes]
    states = [FeedScope(one.scope, one.token, False, one.known) for one in asked]
    page = records[: query.limit]
    return FeedPage(page, states, await aliases.of_deleted(connection, page))
