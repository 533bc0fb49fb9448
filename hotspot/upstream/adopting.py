"""Taking over a database that has content tables already: they stay, and get what they lack.

The first migrations say what tables look like. They are run once in a schema of their own, only to
be compared with the tables that are there, and then for good, where each table that is missing is
made.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from asyncpg import Connection
from asyncpg import Record as Row

from hotspot.errors import StoreDamaged
from hotspot.model.tables import BY_NAME

Migration = tuple[int, str, str]

_MAKING = (1, 2, 4, 5)
"""The migrations that make tables which others may have made before."""
HASHING = 3
"""The migration that brings the triggers which hash content."""
_SCRATCH = "hotspot_scratch"
_LATER = {("users", "device_id")}
"""What a migration adds to a table itself."""
_FILLED = {"content_hash": "''", "updated_at": "now()"}
"""What required columns get in rows that had none; hashes are computed as soon as they can be."""

_COLUMNS = """
SELECT c.relname AS table_name, a.attname AS name, a.attnotnull AS required,
  CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
    ELSE format_type(a.atttypid, a.atttypmod) END AS type,
  pg_get_expr(d.adbin, d.adrelid) AS value, a.attidentity <> '' AS identity
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p')
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""
_HAS_KEY = """
SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'p')
"""
# Our triggers see to stamps; others that do would overwrite those of uploads.
_TOUCHING = """
SELECT t.tgname AS name FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = $1::text::regclass AND NOT t.tgisinternal AND t.tgtype & 2 = 2
  AND p.prosrc ~* 'new\\.updated_at\\s*:?='
"""
_OF_THE_SPECIFICATION = """
DROP VIEW IF EXISTS sync_analytics;
DROP FUNCTION IF EXISTS log_table_changes() CASCADE;
"""

Columns = Mapping[str, Mapping[str, Row]]


async def adopt(connection: Connection, known: Sequence[Migration]) -> list[str]:
    """Gives tables that are there the columns that they lack; their names, none in an empty one.

    Raises StoreDamaged where a table cannot be made to fit.
    """
    found = await _columns(connection, await connection.fetchval("SELECT current_schema()"))
    made = [sql for number, _, sql in known if number in _MAKING]
    if not found.keys() & set(re.findall(r"^CREATE TABLE (\w+)", "\n".join(made), re.MULTILINE)):
        return []
    wanted = await _wanted(connection, made)
    await connection.execute(_OF_THE_SPECIFICATION)
    adopted = [table for table in wanted if table in found]
    for table in adopted:
        await _reshape(connection, table, found[table], wanted[table])
    return adopted


def bearing(sql: str) -> str:
    """A migration that bears with tables which are there already."""
    return re.sub(r"^CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", sql, flags=re.MULTILINE)


async def hash_rows(connection: Connection, adopted: Sequence[str]) -> None:
    """Lets the triggers hash the rows that were there; their stamps stay."""
    await connection.execute("SELECT set_config('hotspot.change_source', 'sync', true)")
    for table in adopted:
        if table in BY_NAME:
            await connection.execute(f"UPDATE {table} SET content_hash = ''")
    await connection.execute("SELECT set_config('hotspot.change_source', 'migration', true)")


async def tell(connection: Connection, adopted: Sequence[str]) -> None:
    """Puts the rows that were there into the log, so that the feed has them."""
    for table in adopted:
        if table in BY_NAME:
            await connection.execute(f"""
                INSERT INTO change_log (table_name, record_id, operation, new_data, changed_by,
                  change_source, scope)
                SELECT '{table}', t.id, 'INSERT', to_jsonb(t), u.id, change_source(),
                  scope_of('{table}', to_jsonb(t))
                FROM {table} t LEFT JOIN users u ON u.id = t.updated_by
            """)


async def _wanted(connection: Connection, made: Sequence[str]) -> Columns:
    """What the tables look like that these migrations make."""
    here = await connection.fetchval("SELECT current_setting('search_path')")
    await connection.execute(f"CREATE SCHEMA {_SCRATCH}; SET LOCAL search_path TO {_SCRATCH}")
    for sql in made:
        await connection.execute(sql.replace("public.", ""))
    wanted = await _columns(connection, _SCRATCH)
    await connection.execute("SELECT set_config('search_path', $1, true)", here)
    await connection.execute(f"DROP SCHEMA {_SCRATCH} CASCADE")
    return wanted


async def _columns(connection: Connection, schema: str) -> Columns:
    found: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for row in await connection.fetch(_COLUMNS, schema):
        found[row["table_name"]][row["name"]] = row
    return found


async def _reshape(
    connection: Connection, table: str, found: Mapping[str, Row], wanted: Mapping[str, Row]
) -> None:
    for row in await connection.fetch(_TOUCHING, table):
        await connection.execute(f'DROP TRIGGER "{row["name"]}" ON {table}')
    for name, column in wanted.items():
        if name not in found:
            if (table, name) not in _LATER:
                await _add(connection, table, column)
        else:
            await _fit(connection, table, found[name], column)
    for name in found.keys() - wanted.keys():
        await _let_be(connection, table, found[name])
    if not await connection.fetchval(_HAS_KEY, table):
        await connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")


async def _add(connection: Connection, table: str, column: Row) -> None:
    name, filled = column["name"], _FILLED.get(column["name"])
    value = column["value"] or filled
    parts = [f"ADD COLUMN {name} {column['type']}"]
    parts += ["GENERATED ALWAYS AS IDENTITY"] if column["identity"] else []
    parts += [f"DEFAULT {value}"] if value is not None else []
    parts += ["NOT NULL"] if column["required"] else []
    unknown = column["required"] and value is None and not column["identity"]
    if unknown and await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):
        raise StoreDamaged(f"The table {table} has rows, and no column {name}: add it first.")
    await connection.execute(f"ALTER TABLE {table} {' '.join(parts)}")
    if column["value"] is None and filled is not None:
        await connection.execute(f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT")


async def _fit(connection: Connection, table: str, has: Row, column: Row) -> None:
    """Makes a column that is there what it has to be."""
    name, kind = column["name"], column["type"]
    alter = f"ALTER TABLE {table} ALTER COLUMN {name}"
    if has["type"] != kind:
        utc = " AT TIME ZONE 'UTC'" if "without time zone" in has["type"] else ""
        await connection.execute(f"{alter} DROP DEFAULT")
        await connection.execute(f"{alter} TYPE {kind} USING ({name}{utc})::{kind}")
    if column["value"] is not None:
        await connection.execute(f"{alter} SET DEFAULT {column['value']}")
    if column["required"] and not has["required"]:
        if name in _FILLED:
            await connection.execute(
                f"UPDATE {table} SET {name} = {_FILLED[name]} WHERE {name} IS NULL"
            )
        await connection.execute(f"{alter} SET NOT NULL")


async def _let_be(connection: Connection, table: str, has: Row) -> None:
    """A column that we know nothing of must not be required of rows that we write."""
    if has["required"] and has["value"] is None and not has["identity"]:
        await connection.execute(f'ALTER TABLE {table} ALTER COLUMN "{has["name"]}" DROP NOT NULL')
