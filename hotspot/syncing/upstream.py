"""The upstream as the client half sees it: three requests over HTTP, and what can go wrong."""

import asyncio
import gzip
from typing import TypeVar

import aiohttp
import msgspec

from hotspot.clock import Clock
from hotspot.errors import (
    BatchReused,
    HotspotError,
    NotFound,
    PositionGone,
    TryLater,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hotspot.model import instants
from hotspot.model.digest_wire import DigestRequest, DigestResponse
from hotspot.model.wire import (
    ChangesRequest,
    ChangesResponse,
    ErrorBody,
    UploadResponse,
)

T = TypeVar("T")

TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10, sock_read=60)
GZIP_FROM = 1_400
"""Bodies below one network packet are sent as they are."""


class Upstream:
    """Speaks the protocol to `url`, as the device that `token` belongs to."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: str | None, clock: Clock
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._token = token
        self._clock = clock

    async def upload(self, body: bytes) -> UploadResponse:
        """Sends an encoded UploadRequest. Raises BatchReused, and what `changes` raises."""
        return await self._post("sync/upload", body, UploadResponse)

    async def changes(self, asked: ChangesRequest) -> ChangesResponse:
        """Asks for a page of the feed.

        Raises PositionGone, NotFound, TryLater, UpstreamRefused or UpstreamUnreachable.
        """
        answer = await self._post("sync/changes", msgspec.json.encode(asked), ChangesResponse)
        _check_time(answer.server_timestamp)
        return answer

    async def digest(self, asked: DigestRequest) -> DigestResponse:
        """Asks for digests of versions; raises what `changes` raises.

        NotFound means that this server has none to give.
        """
        answer = await self._post("sync/digest", msgspec.json.encode(asked), DigestResponse)
        _check_time(answer.server_timestamp)
        return answer

    async def _post(self, path: str, body: bytes, kind: type[T]) -> T:
        headers = self._headers()
        if len(body) > GZIP_FROM:
            body = await asyncio.to_thread(gzip.compress, body, 1)
            headers["Content-Encoding"] = "gzip"
        headers["X-Client-Time"] = self._clock.now()
        url = f"{self._url}/functions/v1/{path}"
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=TIMEOUT
            ) as response:
                answer = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamUnreachable(
                f"The server at {self._url} does not answer ({type(error).__name__})."
            ) from None
        if status != 200:
            raise refusal(status, answer)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError:
            raise UpstreamRefused(
                f"What answers at {self._url} is not a sync server, or another version of it."
            ) from None

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._clock.trusted:
            headers["X-Client-Clock"] = "synchronized"
        return headers


def _check_time(server_timestamp: str) -> None:
    try:
        instants.parse(server_timestamp)
    except ValueError:
        raise UpstreamRefused("The server does not say what time it is.") from None


def refusal(status: int, body: bytes) -> HotspotError:
    """The error that an answer other than 200 stands for."""
    try:
        sentence = msgspec.json.decode(body, type=ErrorBody).message
    except msgspec.MsgspecError:
        sentence = f"The server answered with status {status}."
    if status == 404:
        return NotFound(sentence)
    if status == 410:
        return PositionGone(sentence)
    if status == 409:
        return BatchReused(sentence)
    if status in (408, 429, 502, 503, 504):
        return TryLater(sentence)
    return UpstreamRefused(sentence)
