"""Which machine this is, by what its files tell."""

from pathlib import Path

import pytest

from hotspot.box.machine import machine_id


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [tmp_path / "serial-number", tmp_path / "machine-id"]


def test_the_board_goes_before_the_card(files: list[Path]) -> None:
    files[1].write_text("0123456789abcdef\n")
    card = machine_id(files)
    files[0].write_bytes(b"10000000abcdef01\0")
    board = machine_id(files)
    assert card is not None
    assert board not in (card, None)
    files[1].write_text("another card\n")
    assert machine_id(files) == board


@pytest.mark.parametrize("told", [b"", b"\n", b"uninitialized\n", b"0000000000000000\0"])
def test_what_tells_nothing_is_passed_over(files: list[Path], told: bytes) -> None:
    files[1].write_text("card")
    expected = machine_id(files)
    files[0].write_bytes(told)
    assert machine_id(files) == expected
    files[1].unlink()
    assert machine_id(files) is None


def test_the_id_itself_is_not_told(files: list[Path]) -> None:
    files[1].write_text("0123456789abcdef")
    assert "0123456789abcdef" not in str(machine_id(files))
