"""The deliberate faults in tests/mutants fit the code; scripts/test-mutants sees them noticed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATCHES = sorted((ROOT / "tests" / "mutants").glob("*.patch"))
FIRST_LINE = re.compile(r"Must fail: (tests/[\w/]+\.py)::(\w+)(\[.+\])?")


def test_there_are_mutants() -> None:
    assert len(PATCHES) >= 14


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_mutant_applies_and_names_a_test(patch: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git: git not found")
    done = subprocess.run(
        ["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"make this patch anew: {done.stderr}"
    named = FIRST_LINE.fullmatch(patch.read_text().splitlines()[0])
    assert named is not None
    assert f"def {named[2]}(" in (ROOT / named[1]).read_text()
