"""Which devices are sticks, and which messages are news."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.drives.drive import Drive, DriveKind
from hotspot.drives.events import SECTORS, Tracker, Unfit, classify

STICK = {
    "DEVNAME": "/dev/sdb1",
    "MAJOR": "8",
    "MINOR": "17",
    "ID_BUS": "usb",
    "ID_FS_USAGE": "filesystem",
    "ID_FS_TYPE": "vfat",
    "ID_FS_UUID": "1234-ABCD",
    "ID_FS_LABEL": "BIBLES",
}
DRIVE = Drive(
    id="1234-ABCD",
    device_node="/dev/sdb1",
    device_number="8:17",
    fs_type="vfat",
    label="BIBLES",
)


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in STICK.items() if name not in names}


def test_a_file_system_on_usb_is_a_stick() -> None:
    assert classify(STICK) == DRIVE


def test_a_disk_behind_a_usb_adapter_that_says_ata_is_a_stick() -> None:
    assert classify({**STICK, "ID_BUS": "ata", "ID_USB_DRIVER": "uas"}) == DRIVE


def test_what_is_not_on_usb_is_no_stick() -> None:
    assert classify({**STICK, "ID_BUS": "ata"}) is Unfit.NOT_USB
    assert classify(without("ID_BUS")) is Unfit.NOT_USB


BARE = {**without("ID_FS_USAGE", "ID_FS_TYPE", "ID_FS_UUID", "ID_FS_LABEL"), SECTORS: "2048"}


def test_what_nobody_puts_files_in_concerns_nobody() -> None:
    assert classify({**BARE, "ID_PART_TABLE_TYPE": "dos"}) is Unfit.NO_FILES
    extended = {"DEVTYPE": "partition", "ID_PART_ENTRY_TYPE": "0x5"}
    assert classify({**BARE, **extended}) is Unfit.NO_FILES
    assert classify({**STICK, "ID_FS_USAGE": "other", "ID_FS_TYPE": "swap"}) is Unfit.NO_FILES


def test_a_reader_without_a_card_is_no_stick() -> None:
    assert classify({**BARE, SECTORS: "0"}) is Unfit.NO_FILES


def test_a_device_in_which_no_file_system_is_found_is_told_apart() -> None:
    assert classify(BARE) is Unfit.UNFORMATTED
    partition = {"DEVTYPE": "partition", "ID_PART_ENTRY_TYPE": "0xc", "ID_PART_TABLE_TYPE": "dos"}
    assert classify({**BARE, **partition}) is Unfit.UNFORMATTED


def test_encrypted_and_joined_partitions_are_told_apart() -> None:
    encrypted = {**STICK, "ID_FS_USAGE": "crypto", "ID_FS_TYPE": "crypto_LUKS"}
    assert classify(encrypted) is Unfit.ENCRYPTED
    assert classify({**STICK, "ID_FS_USAGE": "raid", "ID_FS_TYPE": "LVM2_member"}) is Unfit.MEMBER


def test_a_file_system_without_a_name_is_named_by_its_device() -> None:
    drive = classify(without("ID_FS_UUID", "ID_FS_LABEL"))
    assert isinstance(drive, Drive)
    assert drive.id == "/dev/sdb1"
    assert drive.name == "sdb1"


REFUSED = [
    ({**STICK, "ID_FS_USAGE": "crypto"}, "BIBLES is encrypted"),
    ({**STICK, "ID_FS_USAGE": "raid"}, "BIBLES is a part of a RAID"),
    (BARE, "sdb1 has no file system"),
]


@pytest.mark.parametrize(("properties", "words"), REFUSED)
def test_an_unfit_stick_is_refused_once_with_a_sentence_and_goes(
    properties: dict[str, str], words: str
) -> None:
    tracker = Tracker()
    [refused] = tracker.see("add", properties)
    assert refused.kind is DriveKind.REFUSED
    assert words in refused.sentence
    assert tracker.see("change", properties) == []
    [gone] = tracker.see("remove", properties)
    assert (gone.kind, gone.drive) == (DriveKind.REMOVED, refused.drive)


def test_a_stick_that_is_formatted_while_it_is_there_comes_anew() -> None:
    tracker = Tracker()
    tracker.see("add", BARE)
    gone, come = tracker.see("change", STICK)
    assert (gone.kind, come.kind) == (DriveKind.REMOVED, DriveKind.ADDED)


def test_another_stick_at_the_same_device_replaces_the_first() -> None:
    tracker = Tracker()
    tracker.see("add", STICK)
    gone, come = tracker.see("change", {**STICK, "ID_FS_UUID": "0000-0001"})
    assert (gone.kind, gone.drive.id) == (DriveKind.REMOVED, "1234-ABCD")
    assert (come.kind, come.drive.id) == (DriveKind.ADDED, "0000-0001")


def test_a_medium_that_is_taken_out_of_its_reader_is_gone() -> None:
    tracker = Tracker()
    tracker.see("add", STICK)
    [gone] = tracker.see("change", without("ID_FS_USAGE", "ID_FS_TYPE", "ID_FS_UUID"))
    assert gone.kind is DriveKind.REMOVED


devices = st.builds(
    lambda node, uuid, usage: {
        **STICK,
        "DEVNAME": f"/dev/sd{node}1",
        "ID_FS_UUID": uuid,
        "ID_FS_USAGE": usage,
    },
    st.sampled_from("abc"),
    st.sampled_from(["1", "2"]),
    st.sampled_from(["filesystem", "filesystem", "other"]),
)
lists = st.lists(devices, max_size=4, unique_by=lambda device: device["DEVNAME"])
messages = st.tuples(st.sampled_from(["add", "change", "remove", "bind"]), devices)


@given(st.lists(st.one_of(messages, lists)))
def test_whatever_udev_says_each_stick_comes_and_goes_in_turn(
    said: list[tuple[str, dict[str, str]] | list[dict[str, str]]],
) -> None:
    tracker = Tracker()
    present: dict[str, Drive] = {}
    for one in said:
        news = tracker.survey(one) if isinstance(one, list) else tracker.see(*one)
        for event in news:
            node = event.drive.device_node
            if event.kind is DriveKind.ADDED:
                assert node not in present
                present[node] = event.drive
            else:
                assert present.pop(node) == event.drive
        if isinstance(one, list):
            fit = [drive for drive in map(classify, one) if isinstance(drive, Drive)]
            assert present == {drive.device_node: drive for drive in fit}
    assert all(tracker.knows(drive) for drive in present.values())
