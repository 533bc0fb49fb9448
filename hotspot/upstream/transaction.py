"""One write transaction over the records."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from zlib import crc32

import msgspec
from asyncpg import Connection

from hotspot.model import positions
from hotspot.model.aliases import Alias, NaturalKey
from hotspot.model.batches import ANSWERS_KEPT
from hotspot.model.digest import row_hash
from hotspot.model.records import Key, Record
from hotspot.model.stores import Accepted, Loser, StoredAnswer
from hotspot.model.tables import CONTENT_TABLES, Scope, ScopeKind, Table
from hotspot.upstream import aliases, authors, doubts, rows


class Raced(Exception):
    """Somebody else created a record meanwhile that this transaction had found missing."""


class PostgresTransaction:
    """A `RecordTransaction` on a connection inside a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._locked: set[Key] = set()
        self._missing: set[Key] = set()

    async def stored_answer(self, device_id: str, batch_id: str) -> StoredAnswer | None:
        """The answer that this device's batch got, if it was judged before."""
        row = await self._connection.fetchrow(
            "SELECT body_hash, answer FROM answered_batches WHERE device_id = $1 AND batch_id = $2",
            device_id,
            batch_id,
        )
        return None if row is None else StoredAnswer(row["body_hash"], row["answer"])

    async def store_answer(
        self, device_id: str, batch_id: str, body_hash: str, answer: bytes
    ) -> None:
        """Keeps the answer with the rows: both are committed, or neither."""
        await self._connection.execute(
            _STORE_ANSWER, device_id, batch_id, body_hash, answer, ANSWERS_KEPT - 1
        )

    async def current(self, keys: Collection[Key]) -> dict[Key, Record]:
        """The current rows, locked until the transaction ends; missing ones are left out."""
        found: dict[Key, Record] = {}
        for table, ids in _by_table(keys):
            for row in await self._connection.fetch(_lock(table), ids):
                record = rows.record_of(table, row)
                found[record.key] = record
        self._locked |= found.keys()
        self._missing |= set(keys) - found.keys()
        return found

    async def canonical(self, keys: Collection[Key]) -> dict[Key, Key]:
        """What those of `keys` name that are aliases."""
        return await aliases.canonical(self._connection, keys)

    async def holders(self, wanted: Collection[NaturalKey]) -> dict[NaturalKey, Record]:
        """The live rows that have these natural keys, locked until the transaction ends."""
        found = await aliases.holders(self._connection, wanted)
        self._locked |= {record.key for record in found.values()}
        return found

    async def take_turns(self, scopes: Collection[Scope]) -> None:
        """Waits for other transactions that took a turn to add rows of one of these versions."""
        if scopes:
            numbers = sorted({_lock_number(scope) for scope in scopes})
            await self._connection.execute(_ALONE, _LOCKS, numbers)

    async def known_scopes(self, scopes: Collection[Scope]) -> set[Scope]:
        """Those of `scopes` whose version row this store has."""
        asked: dict[ScopeKind, list[str]] = {kind: [] for kind in ScopeKind}
        for scope in scopes:
            asked[scope.kind].append(scope.id)
        found = await self._connection.fetch(
            "SELECT true AS of_text, id::text FROM text_versions WHERE id = ANY($1::uuid[])"
            " UNION ALL SELECT false, id::text FROM audio_versions WHERE id = ANY($2::uuid[])",
            asked[ScopeKind.TEXT],
            asked[ScopeKind.AUDIO],
        )
        return {Scope(_kind(row["of_text"]), row["id"]) for row in found}

    async def accept(self, edits: Sequence[Accepted]) -> None:
        """Makes these rows current. Raises Raced.

        One statement a table for those that are locked, and one for the others: an upsert calls
        the triggers of a row twice. Deletions come first, because they free natural keys.
        """
        await authors.make_known(
            self._connection,
            (
                (author, edit.provenance.device_id)
                for edit in edits
                for author in (edit.record.updated_by, edit.record.created_by)
            ),
        )
        await doubts.keep(self._connection, (edit.record for edit in edits))
        for deleted in (True, False):
            records = [edit.record for edit in edits if edit.record.deleted is deleted]
            await self._write({record.key: record for record in records})

    async def _write(self, records: Mapping[Key, Record]) -> None:
        for table, ids in _by_table(records.keys() & self._locked):
            await self._connection.execute(_update(table), _json(table, ids, records))
        for table, unordered in _by_table(records.keys() - self._locked):
            ids = _in_order_of_places(table, unordered, records)
            missing = [one for one in ids if Key(table.name, one) in self._missing]
            status = await self._connection.execute(
                _upsert(table), _json(table, ids, records), missing
            )
            if int(status.split()[-1]) != len(ids):
                raise Raced
        self._missing -= records.keys()

    async def add_aliases(self, named: Sequence[Alias]) -> None:
        """Makes these ids name other records, also where other aliases or references named them."""
        await aliases.add(self._connection, named)

    async def keep_losers(self, losers: Sequence[Loser]) -> None:
        """Keeps losing versions where a person can list them and bring them back."""
        await self._connection.execute(_KEEP_LOSERS, _losers_json(losers))

    async def redeliver(self, keys: Collection[Key]) -> None:
        """Puts the current rows into the feed once more."""
        for table, ids in _by_table(keys):
            await self._connection.execute(_redeliver(table), ids)

    async def name(self) -> str:
        """Names this transaction in the feed."""
        row = await self._connection.fetchrow(
            "SELECT epoch, pg_current_xact_id() AS xid FROM sync_epoch"
        )
        return positions.encode(row["epoch"], row["xid"])


def _kind(of_text: bool) -> ScopeKind:
    return ScopeKind.TEXT if of_text else ScopeKind.AUDIO


def _by_table(keys: Iterable[Key]) -> list[tuple[Table, list[str]]]:
    """The ids by table, in the one order in which all transactions lock them."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        ids[key.table].append(key.id)
    return [(table, sorted(ids[table.name])) for table in CONTENT_TABLES if table.name in ids]


def _in_order_of_places(
    table: Table, ids: Iterable[str], records: Mapping[Key, Record]
) -> list[str]:
    """The ids as two transactions can add them without waiting in a circle for what is unique.

    Who makes the same rows elsewhere gives them the same natural keys, under other ids maybe.
    """

    def place(one: str) -> list[str]:
        values = records[Key(table.name, one)].values
        return [*(str(values[name]) for name in table.natural_key), one]

    return sorted(ids, key=place)


@cache
def _lock(table: Table) -> str:
    return (
        f"SELECT {rows.selected(table, 't')}, {doubts.selected(table, 't')} FROM {table.name} t"
        " WHERE id = ANY($1::uuid[]) ORDER BY t.id FOR UPDATE"
    )


def _json(table: Table, ids: Iterable[str], records: Mapping[Key, Record]) -> str:
    """Records as one parameter of a statement, with the names that triggers need not find."""
    chosen = [_named(records[Key(table.name, one)]) for one in ids]
    return msgspec.json.encode(chosen).decode()


def _named(record: Record) -> dict[str, object]:
    number = row_hash(record.id, record.updated_at, record.hash)
    return {**record.to_wire(), "content_hash": record.hash, "row_hash": number}


@cache
def _update(table: Table) -> str:
    sets = ", ".join(f"{name} = r.{name}" for name in _changing(table))
    return (
        f"UPDATE {table.name} t SET {sets}, arrived_at = now()"
        f" FROM {_recordset(table)} WHERE t.id = r.id"
    )


@cache
def _upsert(table: Table) -> str:
    """Rows from JSON; those of $2 were missing, so what is there now nobody has judged."""
    names = ", ".join(["id", "created_at", "created_by", *_changing(table)])
    sets = ", ".join(f"{name} = excluded.{name}" for name in _changing(table))
    return (
        f"INSERT INTO {table.name} AS t ({names}) SELECT {names} FROM {_recordset(table)}"
        f" ON CONFLICT (id) DO UPDATE SET {sets}, arrived_at = now()"
        " WHERE t.id <> ALL($2::uuid[])"
    )


def _recordset(table: Table) -> str:
    columns = rows.recordset(table)
    return f"json_to_recordset($1::json) AS r({columns}, content_hash text, row_hash bigint)"


def _changing(table: Table) -> list[str]:
    names = [column.name for column in rows.columns(table)]
    changing = [name for name in names if name not in ("created_at", "created_by")]
    return [*changing, "content_hash", "row_hash"]


@cache
def _redeliver(table: Table) -> str:
    return (
        "INSERT INTO change_log (table_name, record_id, operation, old_data, new_data, changed_by,"
        " change_source, scope)"
        f" SELECT '{table.name}', t.id, 'UPDATE', to_jsonb(t), to_jsonb(t), u.id, change_source(),"
        f" t.{table.scope_column}::text"
        f" FROM {table.name} t LEFT JOIN users u ON u.id = t.updated_by"
        " WHERE t.id = ANY($1::uuid[])"
    )


# Two that add rows of one version, in whatever orders, would wait in a circle for what is unique.
_ALONE = "SELECT pg_advisory_xact_lock($1::int, number) FROM unnest($2::int[]) AS number"
_LOCKS = 0x686F74
_LOCK_NUMBERS = 256


def _lock_number(scope: Scope) -> int:
    """One of a few numbers: a server has room for a few thousand locks in all."""
    return crc32(scope.id.encode()) % _LOCK_NUMBERS


# The statement sees the rows that were there before it: of those, one less than is to be kept.
_STORE_ANSWER = """
WITH forgotten AS (
  DELETE FROM answered_batches WHERE device_id = $1 AND batch_id IN (
    SELECT batch_id FROM answered_batches WHERE device_id = $1
    ORDER BY number DESC OFFSET $5)
)
INSERT INTO answered_batches (device_id, batch_id, body_hash, answer) VALUES ($1, $2, $3, $4)
"""

_KEEP_LOSERS = """
INSERT INTO losing_versions
  (table_name, record_id, version, record, winner, resolution, reason, device_id)
SELECT l.table_name, l.record_id, l.version, l.record, l.winner, l.resolution, l.reason,
  (SELECT d.id FROM devices d WHERE d.id = l.device_id)
FROM json_to_recordset($1::json) AS l(
  table_name text, record_id uuid, version text, record jsonb, winner text, resolution text,
  reason text, device_id uuid)
ON CONFLICT (record_id, version, table_name) DO UPDATE SET
  winner = excluded.winner, resolution = excluded.resolution, reason = excluded.reason,
  device_id = excluded.device_id, lost_at = now()
"""


def _losers_json(losers: Sequence[Loser]) -> str:
    """Each version once: what became of it last counts."""
    last = {(loser.record.key, loser.record.version): loser for loser in losers}
    return msgspec.json.encode([_loser(loser) for loser in last.values()]).decode()


def _loser(loser: Loser) -> Mapping[str, object]:
    return {
        "table_name": loser.record.table,
        "record_id": loser.record.id,
        "version": loser.record.version,
        "record": loser.record.to_wire(),
        "winner": loser.winner,
        "resolution": loser.resolution,
        "reason": loser.reason,
        "device_id": loser.device_id,
    }
