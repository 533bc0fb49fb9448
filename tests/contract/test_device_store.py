"""Devices of any store: tokens, and pairing codes that work once."""

import asyncio

from hotspot.model.stores import Device
from tests.contract.opened import OTHER_TEXT, T1, TEXT, Opened, uuid

PHONE = Device(id=uuid(1), name="Ruth's phone", role="reader")
TOKEN = "f0" * 32
CODE = "c0" * 32
MINUTE = 60_000


async def test_a_token_finds_its_device(opened: Opened) -> None:
    await opened.add_device(PHONE, TOKEN)
    assert await opened.store.device_by_token(TOKEN) == PHONE
    assert await opened.store.device_by_token("f1" * 32) is None


async def test_a_revoked_device_is_nobody(opened: Opened) -> None:
    await opened.add_device(PHONE, TOKEN)
    assert await opened.store.device_by_token(TOKEN) == PHONE
    await opened.revoke(PHONE.id)
    assert await opened.store.device_by_token(TOKEN) is None


async def test_a_code_pairs_a_phone_that_may_write(opened: Opened) -> None:
    await opened.add_pairing(CODE, MINUTE)
    device = await opened.store.claim_pairing(CODE, uuid(2), "Phone", TOKEN, T1)
    assert device is not None
    assert (device.id, device.name, device.may_write) == (uuid(2), "Phone", True)
    assert await opened.store.device_by_token(TOKEN) == device


async def test_a_code_works_once(opened: Opened) -> None:
    await opened.add_pairing(CODE, MINUTE)
    claims = (opened.store.claim_pairing(CODE, uuid(n), "Phone", f"{n:064}", T1) for n in range(5))
    devices = await asyncio.gather(*claims)
    assert sum(device is not None for device in devices) == 1


async def test_an_expired_or_unknown_code_pairs_nobody(opened: Opened) -> None:
    await opened.add_pairing(CODE, -MINUTE)
    assert await opened.store.claim_pairing(CODE, uuid(2), "Phone", TOKEN, T1) is None
    assert await opened.store.claim_pairing("c1" * 32, uuid(2), "Phone", TOKEN, T1) is None
    assert await opened.store.device_by_token(TOKEN) is None


async def test_the_versions_that_a_device_is_limited_to_are_kept(opened: Opened) -> None:
    limited = Device(id=uuid(3), name="Phone", role="editor", scopes=frozenset({TEXT.id, uuid(4)}))
    await opened.add_device(limited, TOKEN)
    found = await opened.store.device_by_token(TOKEN)
    assert found == limited
    assert found.may_change(TEXT)
    assert not found.may_change(OTHER_TEXT)
    assert not found.may_change(None)
