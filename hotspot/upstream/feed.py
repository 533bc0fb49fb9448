"""The feed: which records changed after a position, and what they are now.

The log says which records changed. Its order is (xid, seq), and it is read only below the oldest
transaction that is still open: whatever commits later comes later in it. A position names the last
entry read, whose transaction is committed: numbers of transactions that were not may be given again
after a crash.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache

from asyncpg import Connection
from asyncpg import Record as Row

from hotspot.errors import PositionGone
from hotspot.model import instants, positions, records
from hotspot.model.records import Key, Record
from hotspot.model.stores import FeedPage, FeedQuery, FeedScope
from hotspot.model.tables import BY_NAME, Scope, Table, in_scope
from hotspot.upstream import aliases, rows

Cursor = tuple[int, int]
_START: Cursor = (0, 0)
_LAST_SEQ = 2**63 - 1

# EXISTS would let the planner read all versions at once, and it would.
_ENDS = """
SELECT
  e.epoch, h.next_xid, coalesce(last.xid, '0'::xid8) AS xid, coalesce(last.seq, 0) AS seq,
  coalesce(CASE a.kind
    WHEN 'textVersionId' THEN (SELECT true FROM text_versions v WHERE v.id = a.scope::uuid)
    ELSE (SELECT true FROM audio_versions v WHERE v.id = a.scope::uuid)
  END, false) AS known
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a(scope, kind, place)
CROSS JOIN sync_epoch e
CROSS JOIN (
  SELECT pg_snapshot_xmin(s) AS horizon, pg_snapshot_xmax(s) AS next_xid
  FROM pg_current_snapshot() AS s
) h
LEFT JOIN LATERAL (
  SELECT l.xid, l.seq FROM change_log l
  WHERE l.scope = a.scope AND l.xid < h.horizon
  ORDER BY l.xid DESC, l.seq DESC LIMIT 1
) last ON true
ORDER BY a.place
"""
_ENTRIES = """
SELECT id, table_name, record_id::text AS record_id, xid, seq, operation = 'DELETE' AS gone
FROM change_log
WHERE scope = $1 AND (xid, seq) > ($2::xid8, $3::bigint) AND (xid, seq) <= ($4::xid8, $5::bigint)
  AND table_name = ANY($6::text[]) AND NOT xid = ANY($9::xid8[])
  AND ($7::text IS NULL OR changed_at >= $7::text::timestamptz)
ORDER BY xid, seq
LIMIT $8
"""
_ENDS_OF_RECORDS = """
SELECT id FROM (
  SELECT DISTINCT ON (record_id) id, operation FROM change_log
  WHERE scope = ANY($1::text[]) AND table_name = $2 AND record_id = ANY($3::uuid[])
  ORDER BY record_id, xid DESC, seq DESC
) last
WHERE operation = 'DELETE'
"""


async def read_changes(connection: Connection, query: FeedQuery) -> FeedPage:
    """A page of the feed; one statement where nothing is new. Raises PositionGone."""
    if query.record_ids is not None:
        return await _named(connection, query, query.record_ids)
    ends = await _ends(connection, query)
    found: dict[Key, Record] = {}
    states = []
    for (scope, token), end in zip(query.scopes, ends, strict=True):
        reading = _Reading(scope, query, _cursor(token, end), end, since=token is None)
        while reading.news and len(found) < query.limit:
            for record in await reading.page(connection, query.limit - len(found)):
                found[record.key] = record
        states.append(reading.state(token))
    page = list(found.values())
    return FeedPage(page, states, await aliases.of_deleted(connection, page))


async def _ends(connection: Connection, query: FeedQuery) -> Sequence[Row]:
    return await ends_of(connection, [scope for scope, _ in query.scopes])


async def ends_of(connection: Connection, scopes: Sequence[Scope]) -> Sequence[Row]:
    """The last entry of each scope below the horizon, and whether the version is known."""
    ends: Sequence[Row] = await connection.fetch(
        _ENDS, [scope.id for scope in scopes], [scope.kind.value for scope in scopes]
    )
    return ends


def end_token(end: Row) -> str | None:
    """The position behind the last entry; None for a version that is not known here."""
    return positions.encode(end["epoch"], end["xid"], end["seq"]) if end["known"] else None


def _cursor(token: str | None, end: Row) -> Cursor:
    """The position that a token names."""
    if token is None:
        return _START
    xid, seq = positions.decode(end["epoch"], token, (int, int))
    assert isinstance(xid, int) and isinstance(seq, int)
    if not 0 <= xid < end["next_xid"] or not 0 <= seq <= _LAST_SEQ:
        raise PositionGone("This position is ahead of the server: start over without it.")
    return xid, seq


class _Reading:
    """One scope while a page is read."""

    def __init__(
        self, scope: Scope, query: FeedQuery, cursor: Cursor, end: Row, *, since: bool
    ) -> None:
        self._scope = scope
        self._tables = _tables(scope, query.tables)
        self._since = query.since if since else None
        self._written = query.written
        self._cursor = cursor
        self._epoch: str = end["epoch"]
        self._known: bool = end["known"]
        self._end: Cursor = (end["xid"], end["seq"])
        self._next_xid: int = end["next_xid"]

    @property
    def news(self) -> bool:
        """Whether something lies after the position."""
        return self._end > self._cursor

    async def page(self, connection: Connection, limit: int) -> list[Record]:
        """At most `limit` records after the position, which moves behind them."""
        entries = await connection.fetch(
            _ENTRIES,
            self._scope.id,
            *self._cursor,
            *self._end,
            [table.name for table in self._tables],
            self._since,
            limit + 1,
            self._known_already(),
        )
        if len(entries) > limit:
            entries = entries[:limit]
            self._cursor = (entries[-1]["xid"], entries[-1]["seq"])
        else:
            self._cursor = self._end
        return await _records(connection, self._tables, entries)

    def _known_already(self) -> list[int]:
        """The transactions whose changes the client has, without numbers that were never given."""
        named = positions.named(self._epoch, self._written)
        return [xid for xid in named if 0 <= xid < self._next_xid]

    def state(self, token: str | None) -> FeedScope:
        """How far the scope has been read; without a position where there was nothing to read."""
        if self._cursor != _START:
            token = positions.encode(self._epoch, *self._cursor)
        return FeedScope(self._scope, token, self.news, self._known)


def _tables(scope: Scope, asked: Collection[str] | None) -> list[Table]:
    return [table for table in in_scope(scope.kind) if asked is None or table.name in asked]


async def _records(
    connection: Connection, tables: Iterable[Table], entries: Sequence[Row]
) -> list[Record]:
    """Every record that `entries` name once, as it is now, in the order of the entries.

    One that is gone comes with the entry of its end: what was read before that leaves it out.
    """
    found: dict[str, Record] = {}
    for table in tables:
        ids = list({e["record_id"] for e in entries if e["table_name"] == table.name})
        if not ids:
            continue
        ends = [e["id"] for e in entries if e["table_name"] == table.name and e["gone"]]
        if ends:
            gone = await connection.fetch(_gone(table), ends)
            found |= {row["id"]: _ended(table, row) for row in gone}
        now = await connection.fetch(_by_id(table), ids)
        found |= {row["id"]: rows.record_of(table, row) for row in now}
    order = dict.fromkeys(entry["record_id"] for entry in entries)
    return [found[record_id] for record_id in order if record_id in found]


def _ended(table: Table, row: Row) -> Record:
    """A record that plain SQL deleted: its last content, deleted when that happened."""
    last = rows.record_of(table, row)
    stamp = max(row["gone_at"], instants.later(last.updated_at, 1))
    return records.make(last, stamp, {**last.values, "deleted_at": stamp})


async def _named(connection: Connection, query: FeedQuery, ids: Sequence[str]) -> FeedPage:
    """The records asked for by id, of the scopes asked for; positions stay."""
    ends = await _ends(connection, query)
    found: list[Record] = []
    for table in BY_NAME.values():
        scopes = [scope.id for scope, _ in query.scopes if table in _tables(scope, query.tables)]
        if scopes and len(found) < query.limit:
            named = await connection.fetch(_in_scopes(table), ids, scopes)
            found += [rows.record_of(table, row) for row in named]
            gone = set(ids) - {record.id for record in found}
            found += await _ended_in(connection, table, gone, scopes)
    states = [
        FeedScope(scope, token, False, end["known"])
        for (scope, token), end in zip(query.scopes, ends, strict=True)
    ]
    page = found[: query.limit]
    return FeedPage(page, states, await aliases.of_deleted(connection, page))


async def _ended_in(
    connection: Connection, table: Table, ids: Collection[str], scopes: Sequence[str]
) -> list[Record]:
    """Those of the named records that plain SQL deleted, as the feed has them."""
    if not ids:
        return []
    ends = await connection.fetch(_ENDS_OF_RECORDS, scopes, table.name, list(ids))
    gone = await connection.fetch(_gone(table), [row["id"] for row in ends]) if ends else []
    return [_ended(table, row) for row in gone]


@cache
def _by_id(table: Table) -> str:
    return f"SELECT {rows.selected(table, 't')} FROM {table.name} t WHERE t.id = ANY($1::uuid[])"


@cache
def _in_scopes(table: Table) -> str:
    return f"{_by_id(table)} AND t.{table.scope_column} = ANY($2::uuid[])"


@cache
def _gone(table: Table) -> str:
    return (
        f"SELECT {rows.selected(table, 't')}, canonical(l.changed_at) AS gone_at"
        f" FROM change_log l CROSS JOIN LATERAL jsonb_populate_record(NULL::{table.name},"
        " l.old_data) t WHERE l.id = ANY($1::uuid[]) ORDER BY l.xid, l.seq"
    )
