import msgspec
import pytest

from hotspot.http.auth import hash_token
from hotspot.model.records import parse_id
from hotspot.model.wire import ErrorBody, PairResponse
from hotspot.phones.attempts import Attempts
from hotspot.phones.pairing import WRONG_CODES, new_code
from tests.phones.conftest import Hotspot


async def _pair(hotspot: Hotspot, code: str, name: str = "Amina's phone") -> tuple[int, bytes]:
    url = hotspot.url + "/functions/v1/devices"
    async with hotspot.client.post(url, json={"code": code, "name": name}) as response:
        return response.status, await response.read()


def _open(hotspot: Hotspot) -> str:
    code, code_hash = new_code()
    hotspot.devices.codes.add(code_hash)
    return code


def test_codes() -> None:
    codes = {new_code() for _ in range(300)}
    assert len({code for code, _ in codes}) > 250
    for code, code_hash in codes:
        assert len(code) == 6
        assert code.isdigit()
        assert code_hash == hash_token(code)


async def test_a_code_pairs_one_phone(hotspot: Hotspot) -> None:
    code = _open(hotspot)
    status, body = await _pair(hotspot, code, "  Amina's\nphone ")
    paired = msgspec.json.decode(body, type=PairResponse)
    assert status == 201
    assert parse_id(paired.device_id) == paired.device_id
    device = hotspot.devices.devices[hash_token(paired.token)]
    assert (device.id, device.name) == (paired.device_id, "Amina's phone")
    assert (await _pair(hotspot, code))[0] == 403


@pytest.mark.parametrize("typed", ["{0} {1}", " {0}-{1} "])
async def test_a_code_as_people_type_it(hotspot: Hotspot, typed: str) -> None:
    code = _open(hotspot)
    assert (await _pair(hotspot, typed.format(code[:3], code[3:])))[0] == 201


async def test_a_code_in_another_script(hotspot: Hotspot) -> None:
    hotspot.devices.codes.add(hash_token("012345"))
    assert (await _pair(hotspot, "०१२३४५"))[0] == 201


async def test_a_wrong_code_is_refused_with_a_sentence(hotspot: Hotspot) -> None:
    status, body = await _pair(hotspot, "000000")
    error = msgspec.json.decode(body, type=ErrorBody)
    assert (status, error.code) == (403, "forbidden")
    assert "code" in error.message


@pytest.mark.parametrize("name", ["", " \n ", "x" * 81, "\u0000"])
async def test_names_that_are_none(hotspot: Hotspot, name: str) -> None:
    assert (await _pair(hotspot, _open(hotspot), name))[0] == 400
    assert hotspot.devices.devices == {}


async def test_guessing_is_slowed_down(hotspot: Hotspot) -> None:
    for _ in range(WRONG_CODES):
        assert (await _pair(hotspot, "wrong"))[0] == 403
    code = _open(hotspot)
    assert (await _pair(hotspot, code))[0] == 429
    hotspot.monotonic_ms += 60_000
    assert (await _pair(hotspot, code))[0] == 201


async def test_a_success_clears_the_count(hotspot: Hotspot) -> None:
    for _ in range(2 * WRONG_CODES):
        assert (await _pair(hotspot, _open(hotspot)))[0] == 201


def test_attempts_are_counted_for_each_address() -> None:
    attempts = Attempts(2, 1_000)
    assert [attempts.take("a", at) for at in (0, 500, 999, 1_000, 1_001)] == [
        True,
        True,
        False,
        True,
        False,
    ]
    assert attempts.take("b", 999)


def test_attempts_hold_a_bounded_number_of_addresses() -> None:
    attempts = Attempts(1, 1_000_000)
    assert attempts.take("first", 0)
    for number in range(998):
        attempts.take(f"other {number}", 1)
    assert not attempts.take("first", 2)
    for number in range(1_000):
        attempts.take(f"another {number}", 3)
    assert attempts.take("first", 4)
