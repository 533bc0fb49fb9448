"""Labels in any script."""

from hypothesis import given
from hypothesis import strategies as st

from hotspot.drives.labels import label_of, shown


def encoded(label: str) -> str:
    """The label as udev may write it: any byte escaped."""
    return "".join(f"\\x{byte:02x}" for byte in label.encode())


def test_escaped_and_plain_characters_may_mix() -> None:
    assert label_of({"ID_FS_LABEL": "My_USB", "ID_FS_LABEL_ENC": r"My\x20USB"}) == "My USB"
    assert label_of({"ID_FS_LABEL_ENC": r"Библия\x20ሀ\x5c"}) == "Библия ሀ\\"


def test_a_label_without_the_exact_one_beside_it_is_taken_as_it_is() -> None:
    assert label_of({"ID_FS_LABEL": "BIBLES"}) == "BIBLES"
    assert label_of({}) == ""


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert label_of({"ID_FS_LABEL_ENC": r"a\xffb"}) == "a�b"
    assert label_of({"ID_FS_LABEL_ENC": "a\udcffb"}) == "a�b"


def test_a_label_cannot_forge_lines_or_turn_the_writing_round() -> None:
    assert shown("a\nb\x1b[2J\u202ec") == "a�b�[2J�c"


def test_letters_joined_by_invisible_characters_stay_as_they_are() -> None:
    assert shown("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"])))
def test_every_label_comes_out_as_it_was_given(label: str) -> None:
    assert label_of({"ID_FS_LABEL_ENC": encoded(label)}) == label
