"""With which options sticks are mounted, and what is said where they cannot be."""

import pytest

from hotspot.drives import mounting
from hotspot.drives.drive import Drive

DRIVE = Drive(id="x", device_node="/dev/sdb1", label="BIBLES", fs_type="hfsplus")


@pytest.mark.parametrize("fs_type", ["ext3", "ext4", "xfs", "vfat", "exfat", "ntfs", "btrfs"])
def test_every_file_system_is_mounted_read_only(fs_type: str) -> None:
    assert mounting.options(fs_type).startswith("ro,nosuid,nodev,noexec")


def test_both_drivers_of_ntfs_are_tried() -> None:
    assert mounting.types("ntfs") == "ntfs3,ntfs"
    assert mounting.types("vfat") == "vfat"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "mount: /run/x: unknown filesystem type 'hfsplus'.",
            "The stick BIBLES cannot be read: this machine does not know hfsplus. "
            "Format it as exFAT or FAT32.",
        ),
        (
            "mount: /run/x: wrong fs type, bad option, bad superblock on /dev/sdb1.",
            "The stick BIBLES cannot be read: its file system (hfsplus) is damaged. "
            "Use another stick.",
        ),
        (
            "mount did not finish in 30 s",
            "The stick BIBLES cannot be read (mount did not finish in 30 s).",
        ),
    ],
)
def test_why_a_stick_cannot_be_read_is_one_sentence(said: str, sentence: str) -> None:
    assert mounting.refusal(DRIVE, said) == sentence
