"""Pairing: a person reads a short code to a phone, and the phone gets a token of its own."""

import secrets
from uuid import uuid4

from aiohttp import web

from hotspot.clock import Clock
from hotspot.errors import BadRequest, Forbidden, TooMany
from hotspot.http.auth import hash_token, new_token
from hotspot.http.messages import answer, read
from hotspot.model.stores import DeviceStore
from hotspot.model.wire import PairRequest, PairResponse
from hotspot.phones.attempts import Attempts

CODE_DIGITS = 6
WRONG_CODES = 5
"""Wrong codes that one address may send within WAIT_S."""
WAIT_S = 60
_NAME_LIMIT = 80


def new_code() -> tuple[str, str]:
    """A new code, for the person with the phone, and its hash, for the store."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    return code, hash_token(code)


def routes(devices: DeviceStore, clock: Clock) -> list[web.RouteDef]:
    """The route by which a phone pairs itself."""
    return [web.post("/functions/v1/devices", _Pairing(devices, clock).pair)]


class _Pairing:
    def __init__(self, devices: DeviceStore, clock: Clock) -> None:
        self._devices = devices
        self._clock = clock
        self._wrong = Attempts(WRONG_CODES, WAIT_S * 1000)

    async def pair(self, request: web.Request) -> web.StreamResponse:
        asked = await read(request, PairRequest)
        name = _name(asked.name)
        now, mono_ms = self._clock.read()
        address = request.remote or ""
        if not self._wrong.take(address, mono_ms):
            raise TooMany("Too many codes were tried from here; wait a minute.", WAIT_S)
        token = new_token()
        device = await self._devices.claim_pairing(
            hash_token(_digits(asked.code)), str(uuid4()), name, hash_token(token), now
        )
        if device is None:
            raise Forbidden("This code is wrong or no longer valid: ask for a new one.")
        self._wrong.forget(address)
        return await answer(request, PairResponse(device_id=device.id, token=token), 201)


def _digits(code: str) -> str:
    """The code as it was given out, however it was typed: '123 456', '123-456', or in the digits
    of another script."""
    return "".join(str(int(char)) for char in code[:_NAME_LIMIT] if char.isdecimal())


def _name(name: str) -> str:
    printable = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(printable) <= _NAME_LIMIT:
        raise BadRequest(f"The device's name must have 1 to {_NAME_LIMIT} characters.")
    return printable
