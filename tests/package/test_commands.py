"""`hotspot package` as a person uses it: a process with arguments, output and exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotspot.cli import main
from hotspot.package.reader import open_package
from tests.package.pieces import combined
from tests.package.signing import Pair

SETTINGS = """
package_id = "eng-test"
package_version = "2.0"
created_at = "2026-01-01T00:00:00Z"
[language]
id = "11111111-1111-4111-8111-111111111111"
name = "English"
[bible_version]
id = "protestant"
name = "Protestant canon"
"""
TEXT = '[text]\nname = "Test Text"\n'
AUDIO = '[audio]\nname = "Test Audio"\n'
TIMINGS = {
    "note": "what is not known is passed over",
    "files": [
        {
            "file": "jonah-1.mp3",
            "chapter_id": "jonah-1",
            "start_verse_id": "jonah-1-1",
            "end_verse_id": "jonah-1-2",
            "duration_seconds": 8,
            "bitrate_kbps": 32,
            "sample_rate": 22050,
            "verses": [
                {"verse_id": "jonah-1-1", "start_time_seconds": 0.25, "duration_seconds": 3.5}
            ],
        }
    ],
}
MEMORY = """
import atexit, re, sys
from pathlib import Path
from hotspot.cli import main
peak = Path(sys.argv.pop(1))
status = Path("/proc/self/status")
atexit.register(lambda: peak.write_text(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]))
main()
"""
"""The command, which writes how much memory it took at most, in kB, to a file."""


def hotspot(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hotspot", "package", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def failed(*arguments: object) -> str:
    """What a command that fails says."""
    done = CliRunner().invoke(main, ["package", *map(str, arguments)])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "audio").mkdir(parents=True)
    (folder / "package.toml").write_text(SETTINGS + TEXT + AUDIO)
    (folder / "verses.tsv").write_text("jonah-1-1\tNow the word\r\njonah-1-2\tשלום\n")
    (folder / "timings.json").write_text(json.dumps(TIMINGS))
    (folder / "audio" / "jonah-1.mp3").write_bytes(b"sound" * 1000)
    return folder


@pytest.fixture
def package(source: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out.bible"
    done = hotspot("build", source, out)
    assert (done.returncode, done.stderr) == (0, "")
    return out


def test_a_folder_becomes_a_package(package: Path) -> None:
    manifest = open_package(package).manifest
    assert (manifest.package_id, manifest.package_version) == ("eng-test", "2.0")
    (file,) = manifest.audio_file_index
    assert (file.bitrate, file.sample_rate, file.duration) == (32000, 22050, 8)
    assert manifest.bible_structure.total_verses == 2


def test_inspect_tells_what_the_manifest_says(package: Path) -> None:
    told = json.loads(hotspot("inspect", package, "--json").stdout)
    assert told["manifest"]["packageId"] == "eng-test"
    assert told["sizeInBytes"] == package.stat().st_size
    assert told["audioSize"] == 5000
    assert "eng-test version 2.0 (combined)" in hotspot("inspect", package).stdout


def test_verify_tells_sound_from_damaged_by_its_status(package: Path) -> None:
    done = hotspot("verify", package, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["sound"] is True
    raw = bytearray(package.read_bytes())
    raw[-1] ^= 1
    package.write_bytes(raw)
    done = hotspot("verify", package, "--json")
    assert done.returncode == 1
    assert [one["fileName"] for one in json.loads(done.stdout)["damagedAudio"]] == ["jonah-1.mp3"]


def test_what_is_no_package_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.bible").write_text("hello")
    for command in ("inspect", "verify"):
        assert "not a .bible package" in failed(command, tmp_path / "a.bible")
        assert "No such file" in failed(command, tmp_path / "b.bible")


def test_usage_is_told_by_status_2() -> None:
    assert hotspot("inspect").returncode == 2


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("package.toml", None, "has no package.toml"),
        ("package.toml", "package_id = ", "package.toml cannot be understood"),
        ("package.toml", SETTINGS + "colour = 'red'", "colour"),
        ("package.toml", SETTINGS.replace("name", "nam") + TEXT + AUDIO, "unknown field `nam`"),
        ("package.toml", SETTINGS + TEXT, "timings.json and the table [audio]"),
        ("package.toml", SETTINGS + AUDIO, "verses.tsv and the table [text]"),
        ("package.toml", SETTINGS.replace("2.0", "two") + TEXT + AUDIO, "'two' is not a version"),
        ("package.toml", SETTINGS.replace("eng-test", "../a") + TEXT + AUDIO, "packageId"),
        ("package.toml", SETTINGS.replace("-4111-", "-") + TEXT + AUDIO, "must be a UUID"),
        ("verses.tsv", None, "verses.tsv and the table [text]"),
        ("verses.tsv", "jonah-1-1\tNow\njonah-1-2 Arise\n", "Line 2 of verses.tsv"),
        ("verses.tsv", "jonah-1-1\t \n", "Line 1 of verses.tsv"),
        ("verses.tsv", "jonah-1\tNow\n", "not the id of a verse"),
        ("timings.json", None, "timings.json and the table [audio]"),
        ("timings.json", "{", "timings.json cannot be understood"),
        ("timings.json", '{"files": []}', "is in audio/, but not in timings.json"),
        ("audio/jonah-1.mp3", None, "is in timings.json only"),
        ("audio/extra.mp3", "x", "'extra.mp3' is in audio/, but not in timings.json"),
    ],
)
def test_a_folder_that_makes_no_package_is_told_in_a_sentence(
    source: Path, tmp_path: Path, file: str, content: str | None, sentence: str
) -> None:
    (source / file).unlink(missing_ok=True)
    if content is not None:
        (source / file).write_text(content)
    assert sentence in failed("build", source, tmp_path / "out.bible")
    assert not (tmp_path / "out.bible").exists()


def test_text_that_is_not_utf_8_is_told(source: Path, tmp_path: Path) -> None:
    (source / "verses.tsv").write_bytes("jonah-1-1\tä".encode("latin-1"))
    assert "not UTF-8" in failed("build", source, tmp_path / "out.bible")


def peak_kb(folder: Path, *arguments: object) -> int:
    told = folder / "peak"
    command = [sys.executable, "-c", MEMORY, told, "package", *arguments]
    subprocess.run([*map(str, command)], check=True, capture_output=True, timeout=100)
    return int(told.read_text())


def test_a_large_package_takes_little_memory(source: Path, tmp_path: Path) -> None:
    with (source / "audio" / "jonah-1.mp3").open("r+b") as sound:
        sound.truncate(200_000_000)
    out = tmp_path / "out.bible"
    for arguments in (("build", source, out), ("inspect", out), ("verify", out)):
        assert peak_kb(tmp_path, *arguments) < 80_000, arguments
    assert out.stat().st_size > 200_000_000
    out.unlink()


def test_sign_and_verify(tmp_path: Path) -> None:
    package, (public, secret) = combined(tmp_path), Pair(1).write(tmp_path)
    run = CliRunner().invoke
    unsigned = run(main, ["package", "verify", str(package), "--keys", str(public)])
    assert (unsigned.exit_code, "it is not signed" in unsigned.output) == (1, True)
    signed = run(main, ["package", "sign", str(package), "--key", str(secret)])
    assert signed.exit_code == 0, signed.output
    assert f"{package.name}.head.minisig" in signed.output
    told = run(main, ["package", "verify", str(package), "--keys", str(public)])
    assert (told.exit_code, told.output.strip()) == (
        0,
        f"The package is sound. It is signed with the key {Pair(1).public.name}.",
    )
    other = run(main, ["package", "sign", str(package), "--key", str(public)])
    assert (other.exit_code, "not the secret key" in other.output) == (1, True)
