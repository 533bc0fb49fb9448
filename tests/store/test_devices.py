"""Devices and pairing codes, as the administrator of one hotspot sees them."""

from pathlib import Path

import pytest

from hotspot.clock import Clock
from hotspot.errors import TooMany
from hotspot.model import instants
from hotspot.model.guessing import PAUSE_MS
from hotspot.model.stores import Device
from hotspot.store.devices import FAILURES, USED_MS
from hotspot.store.store import HotspotStore
from tests.contract.opened import T0, T2, uuid
from tests.store.support import query

PHONE = Device(id=uuid(1), name="Ruth's phone", role="editor")
MINUTE = 60_000


def code(n: int) -> str:
    return f"{n:064x}"


@pytest.mark.parametrize(("failures", "valid"), [(FAILURES - 1, True), (FAILURES, False)])
async def test_a_few_wrong_codes_void_every_open_one(
    path: Path, failures: int, valid: bool
) -> None:
    ticks = [1_000]
    clock = Clock(instants.to_ms(T0), monotonic=lambda: ticks[0])
    async with HotspotStore.open(path, clock) as store:
        for n in (1, 2):
            await store.create_pairing(code(n), 2 * MINUTE)
        for n in range(failures):
            assert await store.claim_pairing(code(100 + n), uuid(5), "Guess", code(200), T2) is None
        ticks[0] += PAUSE_MS
        for n in (1, 2):
            device = await store.claim_pairing(code(n), uuid(n), "Phone", code(300 + n), T2)
            assert (device is not None) is valid


async def test_wrong_codes_make_everybody_wait(path: Path) -> None:
    """Also over a restart of the daemon, and of the machine."""
    for boot, mono_ms in (("boot", 500_000), ("boot", 501_000), ("next", PAUSE_MS - 1)):
        clock = Clock(instants.to_ms(T0), monotonic=lambda now=mono_ms: now, boot_id=boot)
        async with HotspotStore.open(path, clock) as store:
            if mono_ms == 500_000:
                for n in range(FAILURES):
                    await store.claim_pairing(code(100 + n), uuid(5), "Guess", code(200), T2)
            await store.create_pairing(code(1), 2 * MINUTE)
            with pytest.raises(TooMany, match="wait"):
                await store.claim_pairing(code(1), uuid(1), "Phone", code(301), T2)
    clock = Clock(instants.to_ms(T0), monotonic=lambda: PAUSE_MS, boot_id="next")
    async with HotspotStore.open(path, clock) as store:
        assert await store.claim_pairing(code(1), uuid(1), "Phone", code(301), T2) is not None


async def test_codes_that_are_over_are_cleared_away(store: HotspotStore, path: Path) -> None:
    await store.create_pairing(code(1), -1)
    await store.create_pairing(code(2), MINUTE)
    assert query(path, "SELECT code_hash FROM pairing_codes") == [(code(2),)]


async def test_a_code_is_not_cut_short_when_the_time_becomes_known(
    store: HotspotStore, clock: Clock
) -> None:
    await store.create_pairing(code(1), MINUTE)
    clock.learn("2031-01-01T00:00:00.000Z")
    device = await store.claim_pairing(code(1), uuid(1), "Phone", code(301), clock.now())
    assert device is not None


@pytest.mark.parametrize(
    ("boot", "waited_ms", "valid"),
    [("made", MINUTE - 1, True), ("made", MINUTE, False), ("next", 1, False)],
)
async def test_a_code_ends_by_the_monotonic_clock_and_with_the_boot(
    tmp_path: Path, boot: str, waited_ms: int, valid: bool
) -> None:
    for booted, passed_ms in (("made", 0), (boot, waited_ms)):
        clock = Clock(instants.to_ms(T2), None, lambda ms=passed_ms: ms, booted, lambda: None)
        async with HotspotStore.open(tmp_path / "hotspot.db", clock) as store:
            if not passed_ms:
                await store.create_pairing(code(1), MINUTE)
                continue
            device = await store.claim_pairing(code(1), uuid(1), "Phone", code(301), T2)
            assert (device is not None) is valid


async def test_a_phone_is_limited_to_what_its_code_says(store: HotspotStore) -> None:
    await store.create_pairing(code(1), MINUTE, "editor", {uuid(7)})
    device = await store.claim_pairing(code(1), uuid(1), "Phone", code(301), T2)
    assert device is not None
    assert device.scopes == frozenset({uuid(7)})
    (entry,) = await store.list_devices()
    assert entry.device == device


async def test_devices_are_listed_and_revoked(store: HotspotStore) -> None:
    await store.add_device(PHONE, code(1))
    (entry,) = await store.list_devices()
    assert (entry.device, entry.last_used_at, entry.revoked_at) == (PHONE, None, None)
    assert entry.created_at >= T2
    assert await store.revoke(PHONE.id) is True
    assert await store.revoke(PHONE.id) is False
    assert await store.revoke(uuid(9)) is False
    (entry,) = await store.list_devices()
    assert entry.revoked_at is not None


async def test_use_is_noted_and_not_at_every_request(
    store: HotspotStore, clock: Clock, path: Path
) -> None:
    await store.add_device(PHONE, code(1))
    last_used = "SELECT last_used_at FROM devices"
    await store.device_by_token(code(1))
    ((first,),) = query(path, last_used)
    assert first >= T2
    await store.device_by_token(code(1))
    assert query(path, last_used) == [(first,)]
    clock.learn(instants.later(first, USED_MS))
    await store.device_by_token(code(1))
    ((second,),) = query(path, last_used)
    assert instants.to_ms(second) - instants.to_ms(first) >= USED_MS


async def test_no_token_and_no_code_is_kept(store: HotspotStore, path: Path) -> None:
    """Only what is given here is stored; callers give hashes."""
    await store.create_pairing(code(1), MINUTE)
    await store.claim_pairing(code(1), PHONE.id, PHONE.name, code(2), T0)
    assert query(path, "SELECT token_hash FROM devices") == [(code(2),)]
    assert query(path, "SELECT * FROM pairing_codes") == []
