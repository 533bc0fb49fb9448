"""Every answer that is not a success, in one form: `model.wire.ErrorBody` as JSON."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from uuid import uuid4

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hotspot.clock import Clock
from hotspot.errors import HotspotError, TryLater
from hotspot.model.wire import ErrorBody

log = logging.getLogger(__name__)

_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not answer this method.",
    413: "The request is too large; send it in several.",
}
_CLIENT_GONE = 499
"""The status for the log alone; nobody is there to read it."""


def error_middleware(clock: Clock) -> Middleware:
    """The middleware that turns whatever a handler raises into an ErrorBody.

    HotspotErrors keep their code and status. aiohttp's own errors keep their status and headers.
    Anything unexpected is a 500 of one sentence, with its traceback in the log.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except HotspotError as error:
            return refusal(clock, error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return _http_error(clock, error)
        except ConnectionError:
            if request.transport is not None:
                return _unexpected(clock, request)
            return web.Response(status=_CLIENT_GONE)
        except Exception:
            return _unexpected(clock, request)

    return middleware


def refusal(clock: Clock, error: HotspotError) -> web.Response:
    """The answer that tells of `error`."""
    return _response(clock, error.status, error.code, str(error), _patience(error))


def _patience(error: HotspotError) -> dict[str, str]:
    if not isinstance(error, TryLater) or error.retry_after_s is None:
        return {}
    return {"Retry-After": str(ceil(error.retry_after_s))}


def _http_error(clock: Clock, error: web.HTTPException) -> web.Response:
    status = HTTPStatus(error.status)
    sentence = _SENTENCES.get(error.status, f"The request failed: {status.phrase}.")
    allowed = {name: value for name, value in error.headers.items() if name == "Allow"}
    return _response(clock, status, status.name.lower(), sentence, allowed)


def _unexpected(clock: Clock, request: web.Request) -> web.Response:
    sentence = "Something went wrong inside; the log says what, under this requestId."
    response = _response(clock, 500, HotspotError.code, sentence)
    request_id = response.headers["X-Request-ID"]
    log.exception("%s %s failed (request %s).", request.method, request.path, request_id)
    return response


def _response(
    clock: Clock,
    status: int,
    code: str,
    sentence: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    request_id = uuid4().hex
    body = ErrorBody(
        error=HTTPStatus(status).phrase,
        message=sentence,
        timestamp=clock.now(),
        request_id=request_id,
        code=code,
    )
    response = web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={**(headers or {}), "X-Request-ID": request_id},
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
