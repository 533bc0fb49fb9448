"""What query strings mean, and that nothing but sentences comes of those that mean nothing."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import QueryRefused
from hotspot.model import restql
from hotspot.model.reading import (
    DEFAULT_ROWS,
    MAX_ROWS,
    READABLE,
    Among,
    Behind,
    Comparison,
    Condition,
    Group,
    Is,
    Not,
    Op,
    Order,
    Query,
    Since,
    columns,
)
from hotspot.model.tables import MEDIA_FILES, VERSE_TEXTS

VERSES = columns(VERSE_TEXTS)
FILES = columns(MEDIA_FILES)
VERSE_ID, TEXT, NUMBER = VERSES["verse_id"], VERSES["verse_text"], VERSES["version"]
UUID = "b0000000-0000-4000-8000-00000000000a"
T0 = "2026-11-22T10:00:00.000Z"


def verses(*pairs: tuple[str, str]) -> Query:
    return restql.parse("verse_texts", pairs)


def condition(name: str, text: str) -> Condition:
    (only,) = verses((name, text)).where
    return only


def test_a_read_of_everything_has_what_is_declared_and_no_more() -> None:
    query = verses()
    assert [column.name for column in query.columns] == [
        "id",
        *("verse_id", "text_version_id", "verse_text", "version", "publish_status"),
        *("created_at", "created_by", "updated_at", "updated_by", "deleted_at"),
    ]
    assert (query.where, query.order, query.offset, query.size) == ((), (), 0, DEFAULT_ROWS)


@pytest.mark.parametrize("name", ["seq", "content_hash", "row_hash", "sync_status", "local_path"])
@pytest.mark.parametrize("table", ["verse_texts", "media_files"])
def test_what_a_hotspot_keeps_for_itself_cannot_be_named(table: str, name: str) -> None:
    for pair in (("select", name), ("order", name), (name, "is.null"), ("or", f"({name}.eq.1)")):
        with pytest.raises(QueryRefused, match="has no column") as refused:
            restql.parse(table, [pair])
        assert refused.value.code == restql.NO_COLUMN


@pytest.mark.parametrize("name", ["devices", "meta", "sqlite_master", "", "verse_texts t"])
def test_other_tables_are_not_there(name: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        restql.parse(name, [])
    assert (refused.value.code, refused.value.status) == (restql.NO_TABLE, 404)


@pytest.mark.parametrize("name", READABLE)
def test_every_table_that_travels_can_be_read(name: str) -> None:
    assert restql.parse(name, [("id", "not.is.null")]).table.name == name


def test_columns_are_chosen_once_and_in_order() -> None:
    query = verses(("select", "verse_text, id,verse_text"))
    assert query.columns == (TEXT, VERSES["id"])


@pytest.mark.parametrize(
    ("name", "text", "means"),
    [
        ("verse_text", "eq.a,b.(c)", Comparison(TEXT, Op.EQ, "a,b.(c)")),
        ("verse_text", 'eq."a"', Comparison(TEXT, Op.EQ, '"a"')),
        ("verse_text", "eq.", Comparison(TEXT, Op.EQ, "")),
        ("version", "gte.-3", Comparison(NUMBER, Op.GTE, -3)),
        ("version", "not.lt.3", Not(Comparison(NUMBER, Op.LT, 3))),
        ("verse_id", 'in.(a,"b,)c","d\\"e")', Among(VERSE_ID, ("a", "b,)c", 'd"e'))),
        ("verse_id", "not.in.(a)", Not(Among(VERSE_ID, ("a",)))),
        ("verse_id", "in.()", Among(VERSE_ID, ())),
        ("version", "is.null", Is(NUMBER, None)),
        ("version", "is.NOT_NULL", Not(Is(NUMBER, None))),
        ("version", "not.is.null", Not(Is(NUMBER, None))),
        ("id", f"gt.{UUID.upper()}", Comparison(VERSES["id"], Op.GT, UUID)),
        (
            "updated_at",
            "gte.2026-11-22T12:00:00+02:00",
            Comparison(VERSES["updated_at"], Op.GTE, "2026-11-22T10:00:00.000Z"),
        ),
        ("not.or", "(version.is.null)", Not(Group((Is(NUMBER, None),), either=True))),
        (
            "or",
            '(version.gt.1,and(verse_id.eq."a,b",verse_text.not.eq.c),not.and(version.in.(1,2)))',
            Group(
                (
                    Comparison(NUMBER, Op.GT, 1),
                    Group((Comparison(VERSE_ID, Op.EQ, "a,b"), Not(Comparison(TEXT, Op.EQ, "c")))),
                    Not(Group((Among(NUMBER, (1, 2)),))),
                ),
                either=True,
            ),
        ),
    ],
)
def test_conditions_mean_what_they_mean_to_postgrest(
    name: str, text: str, means: Condition
) -> None:
    assert condition(name, text) == means


def test_only_what_can_be_true_is_tested_for_being_true() -> None:
    (found,) = restql.parse("media_files", [("is_bible_audio", "is.true")]).where
    assert found == Is(FILES["is_bible_audio"], True)
    with pytest.raises(QueryRefused):
        condition("version", "is.true")


def test_null_sorts_as_the_greatest_unless_the_query_says_otherwise() -> None:
    text = "version.desc,verse_id,verse_text.desc.nullslast,publish_status.nullsfirst"
    assert verses(("order", text)).order == (
        Order(NUMBER, True, True),
        Order(VERSE_ID, False, False),
        Order(TEXT, True, False),
        Order(VERSES["publish_status"], False, True),
    )


@pytest.mark.parametrize(
    ("order", "behind"),
    [
        ("updated_at.asc,id.asc", True),
        ("updated_at,id", True),
        ("updated_at.desc,id.asc", False),
        ("updated_at.asc", False),
        ("updated_at.asc,id.asc,verse_id", False),
    ],
)
def test_in_the_order_of_stamps_an_id_names_a_place(order: str, behind: bool) -> None:
    query = verses(("order", order), ("id", f"gt.{UUID}"))
    assert query.required == ((Behind(UUID),) if behind else query.where)
    assert verses(("order", order), ("id", f"gte.{UUID}")).required != (Behind(UUID),)


def test_stamps_since_mean_arrivals_too_in_content_tables() -> None:
    since = ("updated_at", f"gte.{T0}")
    assert verses(since).required == (Since(T0),)
    for query in (
        restql.parse("books", [since]),
        verses(("updated_at", f"gt.{T0}")),
        verses(("or", f"(updated_at.gte.{T0})")),
    ):
        assert query.required == query.where


@pytest.mark.parametrize(
    ("order", "sorted_by"),
    [
        ("", ["id"]),
        ("verse_id", ["verse_id", "id"]),
        ("id.desc", ["id"]),
        ("id,verse_id", ["id", "verse_id"]),
    ],
)
def test_rows_that_are_alike_are_sorted_by_id(order: str, sorted_by: list[str]) -> None:
    assert [one.column.name for one in verses(("order", order)).sorting] == sorted_by


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("verse_text", "like.a*", restql.NOT_UNDERSTOOD),
        ("verse_text", "a", restql.NOT_UNDERSTOOD),
        ("verse_id", "in.(a", restql.NOT_UNDERSTOOD),
        ("verse_id", 'in.("a)', restql.NOT_UNDERSTOOD),
        ("verse_id", "in.(a)b", restql.NOT_UNDERSTOOD),
        ("or", "()", restql.NOT_UNDERSTOOD),
        ("or", "(version.eq.1", restql.NOT_UNDERSTOOD),
        ("or", "(not.version.eq.1)", restql.NOT_UNDERSTOOD),
        ("not.version", "eq.1", restql.NOT_UNDERSTOOD),
        ("order", "verse_id.up", restql.NOT_UNDERSTOOD),
        ("limit", "-1", restql.NOT_UNDERSTOOD),
        ("offset", "99999999999", restql.NOT_UNDERSTOOD),
        ("select", "verse_id,book(name)", restql.NO_COLUMN),
        ("version", "eq.1.5", restql.BAD_VALUE),
        ("version", "eq." + "9" * 20, restql.BAD_VALUE),
        ("id", "eq.john", restql.BAD_VALUE),
        ("verse_text", "eq.a\x00b", restql.BAD_VALUE),
        ("updated_at", "gte.yesterday", restql.BAD_VALUE),
    ],
)
def test_mistakes_have_postgrests_codes(name: str, text: str, code: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        verses((name, text))
    assert (refused.value.code, refused.value.status) == (code, 400)


def test_a_query_cannot_be_deep_or_long_without_end() -> None:
    deep = "and(" * restql.MAX_DEPTH + "version.eq.1" + ")" * restql.MAX_DEPTH
    assert condition("and", deep.removeprefix("and"))
    with pytest.raises(QueryRefused, match="deep"):
        condition("and", f"({deep})")
    tests = [("version", "gt.1")] * restql.MAX_CONDITIONS
    assert len(verses(*tests).where) == restql.MAX_CONDITIONS
    with pytest.raises(QueryRefused, match="conditions"):
        verses(*tests, ("or", "(version.gt.1)"))


@given(
    st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)),
    st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)),
)
def test_a_range_leaves_the_rows_that_both_it_and_the_query_name(
    given_: tuple[int, int | None], range_: tuple[int, int | None]
) -> None:
    (offset, limit), (first, length) = given_, range_
    pairs = [("offset", str(offset)), *([] if limit is None else [("limit", str(limit))])]
    last = None if length is None else first + length
    query = verses(*pairs).within(first, last)
    asked = set(range(100)[offset:][:limit])
    ranged = set(range(first, 100 if last is None else last + 1))
    end = None if query.limit is None else query.offset + query.limit
    assert set(range(100)[query.offset : end]) == asked & ranged


def test_no_query_gets_more_rows_than_one_answer_has() -> None:
    assert verses(("limit", "20000")).size == MAX_ROWS
    assert verses(("limit", "0")).size == 0


@given(st.lists(st.text(max_size=6), min_size=1, max_size=5))
def test_any_text_can_be_named_in_a_list(texts: list[str]) -> None:
    wanted = [text.replace("\x00", "") for text in texts]
    quoted = ",".join('"' + t.replace("\\", "\\\\").replace('"', '\\"') + '"' for t in wanted)
    assert condition("verse_text", f"in.({quoted})") == Among(TEXT, tuple(wanted))
    group = condition("or", f"(verse_text.in.({quoted}))")
    assert group == Group((Among(TEXT, tuple(wanted)),), either=True)


_PIECES = st.sampled_from(
    ["version", "verse_text", "id", "eq", "in", "is", "not", "and", "or", "null", "1", UUID]
)
_NOISE = st.lists(_PIECES | st.text(string.punctuation, max_size=2) | st.text(max_size=2))


@given(
    st.sampled_from(["select", "order", "limit", "offset", "and", "or", "not.or", "version", "id"]),
    _NOISE.map("".join),
)
def test_whatever_comes_is_understood_or_refused(name: str, text: str) -> None:
    try:
        query = verses((name, text))
    except QueryRefused as refused:
        assert str(refused).endswith(".")
    else:
        assert set(query.columns) <= set(VERSES.values())
