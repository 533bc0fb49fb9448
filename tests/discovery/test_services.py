"""Any name that an operator may choose becomes one that DNS can carry."""

from hypothesis import given
from hypothesis import strategies as st

from hotspot.discovery import services


@given(st.text())
def test_any_name_fits_one_label(name: str) -> None:
    label = services.instance_name(name)
    assert 1 <= len(label.encode()) <= 60
    assert "." not in label
    assert label.isprintable()
    assert label == label.strip()


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=15))
def test_a_short_plain_name_stays_as_it_is(name: str) -> None:
    assert services.instance_name(name) == name


def test_a_name_is_cut_between_characters() -> None:
    assert services.instance_name("ကျမ်းစာ" * 9).encode() == ("ကျမ်းစာ" * 9).encode()[:60]
