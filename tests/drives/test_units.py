"""The files that let systemd mount sticks for a hotspot that is not root."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotspot.drives import mounting
from tests.drives.conftest import UsbPorts
from tests.support.requirements import needs
from tests.support.sticks import run

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "hotspot-mount@.service"
RULES = SYSTEMD / "99-hotspot-drives.rules"
FILES = {"a.bible": b"a package"}


def test_the_rules_give_each_file_system_the_options_that_the_hotspot_would() -> None:
    lines = re.findall(
        r'^ENV\{ID_FS_TYPE\}=="(.+)", ENV\{HOTSPOT_MOUNT_OPTIONS\}="(.+)"$',
        RULES.read_text(),
        re.MULTILINE,
    )
    options = {kind: more for kinds, more in lines for kind in kinds.split("|")}
    assert options == mounting.MORE_OPTIONS


def test_the_units_are_valid(tmp_path: Path) -> None:
    needs("systemd")
    units = []
    for source in SYSTEMD.glob("*.service"):
        unit = tmp_path / source.name.replace("@.", "@sdb1.")
        unit.write_text(source.read_text().replace("/opt/hotspot/bin/hotspot", "/bin/true"))
        units.append(unit)
    assert len(units) == 3
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def commands(name: str, device: str) -> list[list[str]]:
    """The commands that the unit runs for `name`, as systemd would run them for a device."""
    lines = re.findall(rf"^{name}=-?(.+)$", UNIT.read_text(), re.MULTILINE)
    plain = [line.replace("%i", device).replace("$$", "$") for line in lines]
    return [_words(line) for line in plain]


def _words(line: str) -> list[str]:
    before, quote, quoted = line.partition("'")
    return before.split() + ([quoted.removesuffix("'")] if quote else [])


def start(device: str) -> bool:
    """Does what the unit does when it starts; whether its condition held."""
    for condition in commands("ExecCondition", device):
        if subprocess.run(condition, capture_output=True, check=False).returncode != 0:
            return False
    for command in commands("ExecStartPre", device) + commands("ExecStart", device):
        run(*command)
    return True


@pytest.fixture
def rules(udevd: None) -> Iterator[None]:
    """The project's udev rules, in force."""
    installed = Path("/run/udev/rules.d/99-hotspot-drives.rules")
    shutil.copy(RULES, installed)
    run("udevadm", "control", "--reload")
    yield
    installed.unlink()
    run("udevadm", "control", "--reload")


async def test_udev_asks_for_the_unit_and_the_unit_mounts_the_stick(
    rules: None, usb: UsbPorts
) -> None:
    await usb.plug("ONE", FILES)
    run("udevadm", "settle")
    node = usb.sticks["ONE"].node
    device = Path(node).name
    wanted = run("udevadm", "info", "--query=property", "--property=SYSTEMD_WANTS", "--value", node)
    assert wanted == f"hotspot-mount@{device}.service"
    assert start(device)
    place = mounting.ROOT / device
    assert (place / "a.bible").read_bytes() == b"a package"
    options = run("findmnt", "--noheadings", "--output", "OPTIONS", place)
    assert set(options.split(",")) >= {"ro", "nosuid", "nodev", "noexec", "norecovery"}
    for command in commands("ExecStopPost", device):
        run(*command)
    assert not place.exists()


async def test_the_unit_leaves_alone_what_is_mounted(usb: UsbPorts, tmp_path: Path) -> None:
    await usb.plug("ONE", FILES)
    node = usb.sticks["ONE"].node
    run("mount", "-o", "ro", node, tmp_path)
    assert not start(Path(node).name)
    run("umount", tmp_path)
