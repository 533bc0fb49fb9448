"""PostgreSQL and Python name the same content alike."""

import random
import string
from uuid import uuid4

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from hotspot.model import instants, records
from hotspot.model.records import INTEGER_LIMIT, Record, Value
from hotspot.model.stores import Accepted, Provenance
from hotspot.model.tables import CONTENT_TABLES, Column, Type
from hotspot.upstream.store import PostgresStore
from tests.contract.opened import DEVICE

NEVER = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
LATEST_MS = instants.to_ms("9998-12-31T23:59:59.999Z")
STRATEGIES: dict[Type, SearchStrategy[Value]] = {
    Type.TEXT: st.text(NEVER, max_size=60),
    Type.UUID: st.uuids().map(str),
    Type.INSTANT: st.integers(0, LATEST_MS).map(instants.from_ms),
    Type.REAL: st.floats(-1e15, 1e15, exclude_min=True, exclude_max=True).map(lambda x: x + 0.0),
    Type.INTEGER: st.integers(-INTEGER_LIMIT + 1, INTEGER_LIMIT - 1),
    Type.BOOLEAN: st.booleans(),
}


def value_of(column: Column) -> SearchStrategy[Value]:
    some = STRATEGIES[column.type]
    return some if column.required else st.none() | some


@st.composite
def any_record(draw: DrawFn) -> Record:
    table = draw(st.sampled_from(CONTENT_TABLES))
    fields = {column.name: draw(value_of(column)) for column in table.content}
    for name in {"text_version_id", "media_file_id"} & set(table.natural_key):
        fields[name] = str(uuid4())
    record_id = draw(st.uuids().map(str))
    return records.build(
        table, record_id, fields, instants.from_ms(draw(st.integers(0, LATEST_MS)))
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(any_record(), min_size=1, max_size=15, unique_by=lambda r: r.id))
async def test_the_hash_and_the_row_are_the_same(store: PostgresStore, made: list[Record]) -> None:
    edits = [Accepted(record, None, Provenance(device_id=DEVICE.id)) for record in made]
    await store.write(lambda tx: tx.accept(edits))
    found = await store.write(lambda tx: tx.current([record.key for record in made]))
    assert found == {record.key: record for record in made}


async def test_the_hash_of_long_texts_in_any_script(
    sql: asyncpg.Connection, store: PostgresStore
) -> None:
    chance = random.Random(7)
    letters = string.printable[:-5] + "אבגדक्षि漢字🕊️\u0301"
    made = []
    for number in range(50):
        text = "".join(chance.choices(letters, k=chance.randint(0, records.TEXT_LIMIT)))
        fields: dict[str, Value] = {
            "verse_id": f"ps-119-{number}",
            "text_version_id": DEVICE.id,
            "verse_text": text,
        }
        record_id = f"00000000-0000-4000-8000-{number:012x}"
        made.append(records.build(CONTENT_TABLES[-1], record_id, fields, instants.FIRST))
    edits = [Accepted(record, None, Provenance(device_id=DEVICE.id)) for record in made]
    await store.write(lambda tx: tx.accept(edits))
    rows = await sql.fetch("SELECT id::text, content_hash FROM verse_texts")
    assert {row["id"]: row["content_hash"] for row in rows} == {r.id: r.hash for r in made}
