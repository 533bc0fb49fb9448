"""Who sends a request. Tokens are known to the store by their SHA-256 only."""

import secrets
from hashlib import sha256

from aiohttp import web

from hotspot.errors import Forbidden, Unauthorized
from hotspot.http.rates import RATES
from hotspot.model.stores import Device, DeviceStore

_TOKEN_BYTES = 32


def new_token() -> str:
    """A token that cannot be guessed, in characters that a header can carry."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_token(token: str) -> str:
    """What a store keeps instead of the token (or the pairing code): its SHA-256 in hex."""
    return sha256(token.encode(errors="surrogateescape")).hexdigest()


async def authenticate(request: web.Request, devices: DeviceStore) -> Device:
    """The device whose token the request carries.

    Raises Unauthorized without a valid token, Forbidden where X-Device-ID names another device
    than the one that the token belongs to, and TooMany where it asks too often.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("This needs a token: pair this device first.")
    device = await devices.device_by_token(hash_token(token.strip()))
    if device is None:
        raise Unauthorized("This token is not known here, or was revoked: pair this device again.")
    if request.headers.get("X-Device-ID", device.id) != device.id:
        raise Forbidden("The token belongs to another device than X-Device-ID names.")
    if (rates := request.config_dict.get(RATES)) is not None:
        rates.known(request, device.id)
    return device
