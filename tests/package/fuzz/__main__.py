"""Changes real packages at random and imports them; exits 1 where one did what none may do."""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from hotspot.package.writer import build
from tests.package.fuzz.mutations import mutate
from tests.package.fuzz.running import Verdict, judge
from tests.package.pieces import audio, combined, spec, text, text_only

VERSES = [(f"ps-119-{number}", f"Verse {number} " * 12) for number in range(1, 120)]


def originals(folder: Path) -> list[bytes]:
    """The honest packages: text, both, and audio alone."""
    folder.mkdir()
    alone = folder / "audio.bible"
    build(spec(audio=audio(folder)), alone)
    made = [text_only(folder), combined(folder), alone]
    large = folder / "large.bible"
    build(spec(text=text(VERSES), audio=audio(folder)), large)
    return [path.read_bytes() for path in (*made, large)]


def one(seed: int, case: int, packages: list[bytes], top: Path) -> tuple[Verdict, str]:
    """Runs one case; the same seed and number always make the same one."""
    random = Random(f"{seed}/{case}")
    folder = top / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    raw, names = mutate(random, random.choice(packages), folder)
    before = _tree(top)
    verdict = judge(raw, folder)
    if (left := _tree(top) - before) and not verdict.fault:
        verdict = Verdict("wrote elsewhere", ", ".join(sorted(left)))
    return verdict, names


def _tree(top: Path) -> set[str]:
    return {path.name for path in top.iterdir()} | {path.name for path in Path("/tmp").glob("esc*")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="run this one alone")
    arguments = parser.parse_args()
    numbers = [arguments.case] if arguments.case is not None else range(arguments.cases)
    began, kinds, sentences, faults = time.monotonic(), Counter[str](), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="fuzz-packages-") as name:
        top = Path(name)
        packages = originals(top / "originals")
        for raw in packages:
            folder = top / "honest"
            folder.mkdir()
            assert judge(raw, folder).kind == "accepted"
            shutil.rmtree(folder)
        for case in numbers:
            verdict, names = one(arguments.seed, case, packages, top)
            kinds[verdict.kind] += 1
            if verdict.fault:
                faults += 1
                print(f"case {case} ({names}) {verdict.kind}: {verdict.detail}", flush=True)
            if arguments.case is not None:
                print(f"{names} {verdict.kind}: {verdict.detail}")
            sentences[verdict.detail[:40]] += verdict.kind == "refused"
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    print(f"{sum(kinds.values())} packages in {time.monotonic() - began:.0f} s: {told}; ")
    print(f"{len(sentences)} reasons to refuse. {faults} faults.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
