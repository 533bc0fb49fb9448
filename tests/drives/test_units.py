"""The files that let systemd mount sticks for a hotspot that is not root."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotspot.drives import mounting
from tests.drives.conftest import UsbPorts
from tests.support.requirements import needs
from tests.support.sticks import rules, run
from tests.support.units import RULES, SYSTEMD, start, stop

LIGHT_RULES = SYSTEMD / "99-hotspot-light.rules"

FILES = {"a.bible": b"a package"}


def test_the_rules_give_each_file_system_the_options_that_the_hotspot_would() -> None:
    assert assigned("HOTSPOT_MOUNT_OPTIONS") == mounting.MORE_OPTIONS
    assert assigned("HOTSPOT_MOUNT_TYPE") == mounting.TYPES


def assigned(name: str) -> dict[str, str]:
    """What the rules set a property to, by type of file system."""
    line = rf'^ENV\{{ID_FS_TYPE\}}=="(.+)", ENV\{{{name}\}}="(.+)"$'
    found = re.findall(line, RULES.read_text(), re.MULTILINE)
    return {kind: value for kinds, value in found for kind in kinds.split("|")}


def test_the_units_are_valid(tmp_path: Path) -> None:
    needs("systemd")
    units = []
    for source in SYSTEMD.glob("*.service"):
        unit = tmp_path / source.name.replace("@.", "@sdb1.")
        unit.write_text(source.read_text().replace("/opt/hotspot/bin/hotspot", "/bin/true"))
        units.append(unit)
    assert len(units) == 4
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.fixture
def in_force(udevd: None) -> Iterator[None]:
    """The project's udev rules, in force."""
    with rules(Path("/run/udev/rules.d") / RULES.name, RULES.read_text()):
        yield


async def test_udev_asks_for_the_unit_and_the_unit_mounts_the_stick(
    in_force: None, usb: UsbPorts
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
    stop(device)
    assert not place.exists()


async def test_the_unit_says_that_it_failed_until_the_stick_is_gone(
    in_force: None, usb: UsbPorts
) -> None:
    await usb.plug("ONE", FILES)
    run("udevadm", "settle")
    device = Path(usb.sticks["ONE"].node).name
    failed = mounting.ROOT / f"{device}.failed"
    run("dd", "if=/dev/zero", f"of=/dev/{device}", "bs=64k", "count=4", "conv=notrunc")
    assert not start(device)
    assert failed.exists()
    await usb.pull("ONE")
    assert not failed.exists()


async def test_the_unit_leaves_alone_what_is_mounted(usb: UsbPorts, tmp_path: Path) -> None:
    await usb.plug("ONE", FILES)
    node = usb.sticks["ONE"].node
    run("mount", "-o", "ro", node, tmp_path)
    assert not start(Path(node).name)
    run("umount", tmp_path)


def test_the_rule_for_lights_gives_away_the_files_that_are_there(tmp_path: Path) -> None:
    script = re.search(r"/bin/sh -c '(.+)'\"$", LIGHT_RULES.read_text(), re.MULTILINE)
    assert script is not None
    for name in ("trigger", "brightness"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o644)
    command = script[1].replace("/sys%p", str(tmp_path)).replace("$$", "$")
    run("/bin/sh", "-c", command.replace("chgrp hotspot", "chgrp 0"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"trigger": 0o664, "brightness": 0o664}
