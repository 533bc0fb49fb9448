"""The deliberate faults in tests/mutants fit the code; scripts/mutants sees them noticed."""

import re
from pathlib import Path

import pytest

from tests.support.patching import applied, hunks

ROOT = Path(__file__).parents[1]
PATCHES = sorted((ROOT / "tests" / "mutants").glob("*.patch"))
FIRST_LINE = re.compile(r"Must fail: (tests/[\w/]+\.py)::(\w+)(\[.+\])?")


def test_there_are_mutants() -> None:
    assert len(PATCHES) >= 20


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_mutant_fits_and_names_a_test(patch: Path) -> None:
    text = patch.read_text()
    files = {hunk.path: (ROOT / hunk.path).read_text() for hunk in hunks(text)}
    broken = applied(text, files)
    assert all(broken[path] != files[path] for path in broken)
    named = FIRST_LINE.fullmatch(text.splitlines()[0])
    assert named is not None
    assert f"def {named[2]}(" in (ROOT / named[1]).read_text()
