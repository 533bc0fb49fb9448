"""What a hotspot says of itself."""

from pathlib import Path

import pytest

from hotspot.box.reporting import box_report, undervoltage
from hotspot.clock import wall
from hotspot.model.box import BoxReport
from hotspot.store.store import HotspotStore


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", False), ("50005", True), ("10000\n", True), ("80008", False), ("?", None)],
)
def test_what_the_firmware_says_of_the_power(
    tmp_path: Path, text: str, expected: bool | None
) -> None:
    (tmp_path / "throttled").write_text(text)
    assert undervoltage(tmp_path / "throttled", tmp_path) is expected


@pytest.mark.parametrize(("alarm", "expected"), [("1\n", True), ("0\n", False)])
def test_what_the_sensor_says_of_the_power(tmp_path: Path, alarm: str, expected: bool) -> None:
    for number, name in enumerate(("cpu_thermal", "rpi_volt")):
        sensor = tmp_path / f"hwmon{number}"
        sensor.mkdir()
        (sensor / "name").write_text(f"{name}\n")
        (sensor / "in0_lcrit_alarm").write_text(alarm if name == "rpi_volt" else "1\n")
    assert undervoltage(tmp_path / "none", tmp_path) is expected


def test_other_machines_say_nothing_of_it(tmp_path: Path) -> None:
    assert undervoltage(tmp_path / "none", tmp_path) is None


async def test_the_report_of_an_empty_hotspot(tmp_path: Path) -> None:
    clock = wall()
    async with HotspotStore.open(tmp_path / "hotspot.db", clock) as store:
        told = await box_report(store, clock, tmp_path, "No answer.")
    assert isinstance(told, BoxReport)
    assert told.disk_free_bytes is not None
    assert told.disk_bytes is not None
    assert 0 < told.disk_free_bytes <= told.disk_bytes
    assert (told.pending, told.last_error, told.clock_trusted) == (0, "No answer.", True)
