"""Notices in the format of event streams."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.notices import (
    CatalogueNotice,
    StickNotice,
    SticksNotice,
    Topic,
    format_event,
    retry,
)
from tests.support.events import parse

TEXTS = st.text(st.characters(codec="utf-8"))


def test_an_event_is_as_the_standard_has_it() -> None:
    told = format_event(Topic.CATALOGUE, CatalogueNotice(revision="a.7"), "a.7")
    assert told == b'event: catalogue\nid: a.7\ndata: {"revision":"a.7"}\n\n'


def test_without_an_id_the_client_keeps_the_one_before() -> None:
    assert b"id:" not in format_event(Topic.CATALOGUE, CatalogueNotice(revision="a"))


def test_a_pause_is_told_in_milliseconds() -> None:
    assert retry(5) == b"retry: 5000\n\n"


@given(TEXTS, TEXTS)
def test_any_text_comes_out_as_it_went_in(name: str, message: str) -> None:
    stick = StickNotice(name=name, state="failed", message=message)
    notice = SticksNotice(indication="failed", sticks=[stick])
    (event,) = parse(format_event(Topic.STICKS, notice).decode())
    assert event.topic == "sticks"
    assert msgspec.json.decode(event.data, type=SticksNotice) == notice
