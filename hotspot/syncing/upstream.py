"""The upstream as the client half sees it: three requests over HTTP, and what can go wrong."""

import asyncio
import gzip
from copy import copy
from typing import TypeVar

import aiohttp
import msgspec
from msgspec.structs import replace

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
from hotspot.model.box import BoxReport
from hotspot.model.digest_wire import DigestRequest, DigestResponse
from hotspot.model.timeline import Timeline
from hotspot.model.wire import (
    SYNCHRONIZED,
    ChangesRequest,
    ChangesResponse,
    ErrorBody,
    UploadResponse,
)
from hotspot.syncing.attendance import SESSION_HEADER
from hotspot.syncing.patience import retry_after_s

T = TypeVar("T")

TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10, sock_read=60)
GZIP_MAGIC = b"\x1f\x8b"
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
        self._session_id: str | None = None
        self._report: BoxReport | None = None

    def in_session(self, session_id: str, report: BoxReport | None) -> "Upstream":
        """The same upstream, told of each request which session it belongs to.

        `report`: goes with the first question that is asked.
        """
        visit = copy(self)
        visit._session_id, visit._report = session_id, report
        return visit

    async def greet(self) -> None:
        """Brings the report where no question of the session has; raises what `changes` raises."""
        if self._report is not None:
            await self.changes(ChangesRequest(scopes=[]))

    async def upload(self, body: bytes, timeline: Timeline | None) -> UploadResponse:
        """Sends an encoded UploadRequest, whose stamps are on `timeline`.

        Without one, the stamps are the time, and what this clock shows says nothing about them.
        Raises BatchReused, and what `changes` raises.
        """
        return (await self._post("sync/upload", body, UploadResponse, timeline))[0]

    async def changes(self, asked: ChangesRequest) -> ChangesResponse:
        """Asks for a page of the feed; the clock learns the time from a server that knows it.

        Raises PositionGone, NotFound, TryLater, UpstreamRefused or UpstreamUnreachable.
        """
        told_of = replace(asked, sync_session_id=self._session_id, report=self._report)
        body = msgspec.json.encode(told_of)
        answer, mono_ms = await self._post("sync/changes", body, ChangesResponse)
        self._report = None
        told = _time(answer.server_timestamp)
        if answer.server_clock == SYNCHRONIZED:
            self._clock.learn(told, mono_ms)
        return answer

    async def digest(self, asked: DigestRequest) -> DigestResponse:
        """Asks for digests of versions; raises what `changes` raises.

        NotFound means that this server has none to give.
        """
        body = msgspec.json.encode(asked)
        answer, _ = await self._post("sync/digest", body, DigestResponse)
        _time(answer.server_timestamp)
        return answer

    async def _post(
        self, path: str, body: bytes, kind: type[T], timeline: Timeline | None = None
    ) -> tuple[T, int]:
        """The answer, and the monotonic time at which it began to come."""
        headers = self._headers()
        if len(body) > GZIP_FROM and not body.startswith(GZIP_MAGIC):
            body = await asyncio.to_thread(gzip.compress, body, 1)
        if body.startswith(GZIP_MAGIC):
            headers["Content-Encoding"] = "gzip"
        if timeline is not None:
            headers |= self._shown(timeline)
        url = f"{self._url}/functions/v1/{path}"
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=TIMEOUT
            ) as response:
                mono_ms = self._clock.monotonic()
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamUnreachable(
                f"The server at {self._url} does not answer ({type(error).__name__})."
            ) from None
        if response.status != 200:
            raise refusal(response.status, answer, retry_after_s(response.headers))
        try:
            return msgspec.json.decode(answer, type=kind), mono_ms
        except msgspec.MsgspecError:
            raise UpstreamRefused(
                f"What answers at {self._url} is not a sync server, or another version of it."
            ) from None

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._session_id is not None:
            headers[SESSION_HEADER] = self._session_id
        return headers

    def _shown(self, timeline: Timeline) -> dict[str, str]:
        """What the clock by which a request is stamped shows at the moment of sending."""
        shown = {"X-Client-Time": instants.from_ms(timeline.at(self._clock.monotonic()))}
        return {**shown, "X-Client-Clock": SYNCHRONIZED} if timeline.trusted else shown


def _time(server_timestamp: str) -> str:
    try:
        return instants.parse(server_timestamp)
    except ValueError:
        raise UpstreamRefused("The server does not say what time it is.") from None


def refusal(status: int, body: bytes, retry_after_s: float | None = None) -> HotspotError:
    """The error that an answer other than 200 stands for.

    `retry_after_s`: for how long the server asks not to be asked again.
    """
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
        return TryLater(sentence, retry_after_s)
    return UpstreamRefused(sentence)
