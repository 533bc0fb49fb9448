import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hotspot.package.database import open_hostile
from tests.package.pieces import sections, text_only, with_sql


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    package = with_sql(text_only(tmp_path), "CREATE TABLE other (x); INSERT INTO other VALUES (1);")
    source = tmp_path / "source.db"
    source.write_bytes(sections(package)[1])
    with closing(open_hostile(source)) as connection:
        yield connection


def test_the_tables_of_a_package_can_be_read(hostile: sqlite3.Connection) -> None:
    assert len(hostile.execute("SELECT id FROM package_verse_texts").fetchall()) == 2
    assert hostile.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT x FROM other",
        "SELECT count(*) FROM package_verse_texts",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM json_each('[1]')",
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
        "ATTACH '/tmp/other.db' AS other",
        "VACUUM INTO '/tmp/other.db'",
        "PRAGMA trusted_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "CREATE TEMP TABLE t (x)",
        "CREATE TEMP VIEW v AS SELECT id FROM package_verse_texts",
        "INSERT INTO package_tags (id) VALUES ('1')",
        "UPDATE package_verse_texts SET verse_text = ''",
        "DELETE FROM package_verse_texts",
        "DROP TABLE package_verse_texts",
        "BEGIN",
    ],
)
def test_nothing_else_can_be_done(hostile: sqlite3.Connection, statement: str) -> None:
    with pytest.raises(
        sqlite3.DatabaseError, match=r"not authorized|prohibited|denied|vtable constructor failed"
    ):
        hostile.execute(statement)


def test_a_database_is_never_written_to(hostile: sqlite3.Connection) -> None:
    hostile.set_authorizer(None)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        hostile.execute("DELETE FROM package_verse_texts")
