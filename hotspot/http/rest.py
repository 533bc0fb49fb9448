"""`/rest/v1/{table}`: what apps built on PostgREST read, answered as PostgREST answers it."""

import re
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from hotspot.errors import HotspotError, QueryRefused
from hotspot.http.messages import answer_encoded
from hotspot.model import restql
from hotspot.model.reading import Page, Query, Refusal, TableReader

NO_METHOD = "PGRST117"
NO_RANGE = "PGRST103"
NOT_ONE_ROW = "PGRST116"

_METHODS = "GET, HEAD"
_ONE_ROW = "application/vnd.pgrst.object+json"
_RANGE = re.compile(r"(\d{1,10})-(\d{0,10})", re.ASCII)
_COUNTS = ("count=exact", "count=planned", "count=estimated")

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(reader: TableReader) -> list[web.RouteDef]:
    """The route of all tables. Keys and tokens that come along are not looked at."""

    async def read(request: web.Request) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            raise QueryRefused(NO_METHOD, "Tables can only be read here.", status=405)
        query = _ranged(restql.parse(request.match_info["table"], request.query.items()), request)
        counted = any(one in request.headers.get("Prefer", "") for one in _COUNTS)
        page = await reader.read_table(query, counted=counted)
        if _ONE_ROW in request.headers.get("Accept", ""):
            return await _one_row(request, page)
        return await _rows(request, query, page)

    return [web.route("*", "/rest/v1/{table}", _explained(read))]


def _explained(handler: _Handler) -> _Handler:
    """The handler, with its errors in PostgREST's form."""

    async def explained(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except HotspotError as error:
            return _refusal(error)

    return explained


def _refusal(error: HotspotError) -> web.Response:
    details = error.details if isinstance(error, QueryRefused) else None
    body = msgspec.json.encode(Refusal(error.code, str(error), details))
    response = web.Response(body=body, status=error.status, content_type="application/json")
    if error.status == 405:
        response.headers["Allow"] = _METHODS
    return response


def _ranged(query: Query, request: web.Request) -> Query:
    """The query, narrowed by a Range header of rows; one that is not understood is passed over."""
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None or request.headers.get("Range-Unit", "items") != "items":
        return query
    first, last = int(found[1]), int(found[2]) if found[2] else None
    if first > restql.MAX_OFFSET or (last is not None and last < first):
        raise QueryRefused(NO_RANGE, f"There is no range {found[0]}.", status=416)
    return query.within(first, last)


async def _one_row(request: web.Request, page: Page) -> web.StreamResponse:
    if len(page.rows) != 1:
        raise QueryRefused(
            NOT_ONE_ROW,
            "One row was asked for as an object.",
            status=406,
            details=f"The result contains {len(page.rows)} rows",
        )
    response = await answer_encoded(request, msgspec.json.encode(page.rows[0]))
    response.content_type = _ONE_ROW
    response.headers["Content-Range"] = _content_range(0, page)
    return response


async def _rows(request: web.Request, query: Query, page: Page) -> web.StreamResponse:
    status = 200
    if page.total is not None and len(page.rows) < page.total:
        if query.offset > page.total:
            raise QueryRefused(
                NO_RANGE,
                "The rows asked for lie behind the last.",
                status=416,
                details=f"An offset of {query.offset} was requested, "
                f"but there are only {page.total} rows.",
            )
        status = 206
    response = await answer_encoded(request, msgspec.json.encode(page.rows), status)
    response.charset = "utf-8"
    response.headers["Content-Range"] = _content_range(query.offset, page)
    return response


def _content_range(offset: int, page: Page) -> str:
    """Which rows these are, of how many: `0-24/3573`, with `*` for what is not known."""
    end = offset + len(page.rows) - 1
    rows = f"{offset}-{end}" if page.rows else "*"
    return f"{rows}/{'*' if page.total is None else page.total}"
