"""Two hundred changed packages; scripts/fuzz-packages tries ten thousand."""

import random
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.package.fuzz.mutations import MUTATIONS, mutate
from tests.package.fuzz.oracle import Wrong, check
from tests.package.fuzz.parts import Parts
from tests.package.pieces import combined, sections, staged, with_sql

ROOT = Path(__file__).parent.parent.parent


def test_no_changed_package_does_what_none_may_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.package.fuzz", "--cases", "200"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = dict(re.findall(r"(\d+) (refused|accepted)", done.stdout)[::-1])
    assert sum(map(int, kinds)) >= 190, done.stdout
    assert "accepted" in kinds.values(), done.stdout


def test_the_same_seed_makes_the_same_package(tmp_path: Path) -> None:
    raw = combined(tmp_path).read_bytes()
    first, second = (mutate(random.Random("1/7"), raw, tmp_path) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("mutation", dict.fromkeys(MUTATIONS))
def test_each_mutation_changes_something(mutation: object, tmp_path: Path) -> None:
    raw = combined(tmp_path).read_bytes()
    changed = 0
    for seed in range(8):
        parts = Parts.of(raw)
        mutation(random.Random(seed), parts, tmp_path)  # type: ignore[operator]
        changed += parts.raw() != raw
    assert changed >= 3


def test_fitting_makes_every_hash_fit(tmp_path: Path) -> None:
    package = combined(tmp_path)
    parts = Parts.of(package.read_bytes())
    parts.audio = bytes(len(parts.audio))
    parts.fit_sizes()
    parts.fit_hashes()
    package.write_bytes(parts.raw())
    manifest, _, sound = sections(package)
    assert manifest["audioDataHash"] == sha256(sound).hexdigest()
    staged(package, tmp_path / "staging.db")


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("UPDATE package_verse_texts SET verse_text = 'another'", "verse_texts: rows"),
        ("DELETE FROM package_verses", "verses: rows"),
        ("DROP TABLE package_books", "books: rows"),
    ],
)
def test_the_oracle_knows_what_is_wrong(tmp_path: Path, script: str, wrong: str) -> None:
    package = combined(tmp_path)
    staging = tmp_path / "staging.db"
    staged(package, staging)
    check(package.read_bytes(), staging, True, ())
    with pytest.raises(Wrong, match="content hash"):
        check(package.read_bytes()[:-1] + b"!", staging, True, ())
    with pytest.raises(Wrong, match=wrong):
        check(with_sql(package, script).read_bytes(), staging, True, ())
