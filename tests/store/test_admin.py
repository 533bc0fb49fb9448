"""The admin code: one, kept, and replaced together with whom it let in."""

from pathlib import Path

import pytest

from hotspot.clock import Clock
from hotspot.errors import TooMany
from hotspot.http.auth import hash_token
from hotspot.model.stores import Device
from hotspot.store.devices import FAILURES
from hotspot.store.store import HotspotStore
from tests.contract.opened import T2, uuid


async def pair(store: HotspotStore, code: str, number: int) -> Device | None:
    token = hash_token(f"token {number}")
    return await store.claim_pairing(hash_token(code), uuid(number), "Phone", token, T2)


async def test_each_hotspot_has_its_own_and_keeps_it(path: Path, clock: Clock) -> None:
    async with HotspotStore.open(path, clock) as store:
        code = await store.admin_code()
        assert len(code) == 12 and code.isdigit()
    async with HotspotStore.open(path, clock) as store:
        assert await store.admin_code() == code
    async with HotspotStore.open(path.with_name("other.db"), clock) as store:
        assert await store.admin_code() != code


async def test_it_pairs_admins_any_number_of_times(store: HotspotStore) -> None:
    code = await store.admin_code()
    for number in (1, 2):
        device = await pair(store, code, number)
        assert device is not None and device.role == "admin"


async def test_wrong_codes_stop_it_too(store: HotspotStore) -> None:
    code = await store.admin_code()
    for number in range(FAILURES):
        assert await pair(store, "000000000000", number) is None
    with pytest.raises(TooMany):
        await pair(store, code, 9)


async def test_without_a_code_nobody_is_an_admin(store: HotspotStore) -> None:
    assert await pair(store, "", 1) is None


async def test_a_reset_lets_nobody_stay(store: HotspotStore) -> None:
    editor = Device(id=uuid(8), name="Editor", role="editor")
    await store.add_device(editor, hash_token("editor"))
    code = await store.admin_code()
    await pair(store, code, 1)
    await store.reset_admin()
    assert await store.admin_code() != code
    assert await pair(store, code, 2) is None
    assert await store.device_by_token(hash_token("token 1")) is None
    assert await store.device_by_token(hash_token("editor")) == editor
