"""The addresses of both servers: what `/openapi.json` tells, and a test holds to the routers."""

from collections.abc import Mapping
from typing import Any

from hotspot.model.api import ANY_TYPE, JSON, Answer, Auth, Parameter, Route, told
from hotspot.model.catalogue import CatalogueSummary
from hotspot.model.conflicts import KeepRequest, KeptVersion, KeptVersions
from hotspot.model.digest_wire import DigestRequest, DigestResponse
from hotspot.model.health import FleetSyncHealth, Ready, SyncHealth
from hotspot.model.prometheus import CONTENT_TYPE
from hotspot.model.reading import READABLE, Refusal
from hotspot.model.version_status import VersionStatus
from hotspot.model.wire import (
    ChangesRequest,
    ChangesResponse,
    ErrorBody,
    PackageDetails,
    PackageList,
    PairRequest,
    PairResponse,
    UploadRequest,
    UploadResponse,
)

_ID = {"type": "string", "minLength": 1}
_TEXT = {"type": "string"}
_INSTANT = {"type": "string", "format": "date-time"}
_MOST_OFFSET = 2**31
_HTML = Answer("A page.", media="text/html")
_ROWS = list[dict[str, Any]]


def _path(name: str, schema: Mapping[str, Any] = _ID) -> Parameter:
    return Parameter(name, "path", schema)


def _query(name: str, schema: Mapping[str, Any] = _TEXT, description: str = "") -> Parameter:
    return Parameter(name, "query", schema, description)


def _header(name: str, description: str, schema: Mapping[str, Any] = _TEXT) -> Parameter:
    return Parameter(name, "header", schema, description)


def _whole(least: int, most: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


def _get(path: str, summary: str, answer: Answer, *errors: int, **more: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        summary=summary,
        answers={200: answer, **more.pop("answers", {})},
        errors=(*errors, 429, 503),
        error=ErrorBody,
        **more,
    )


def _post(path: str, summary: str, request: type, answer: type, *errors: int, **more: Any) -> Route:
    return Route(
        method="POST",
        path=path,
        summary=summary,
        request=request,
        answers={more.pop("status", 200): told(answer)},
        errors=(400, *errors, 408, 413, 429, 503),
        error=ErrorBody,
        **more,
    )


_PAGE = (_query("limit", _whole(1, 1_000, 100)), _query("offset", _whole(0, _MOST_OFFSET, 0)))
_SCOPE = (_query("textVersionId"), _query("audioVersionId"))
_FILE_HEADERS = ("ETag", "Accept-Ranges", "Content-Disposition")
_CONDITIONS = (
    _header("Range", "The bytes that are wanted, as RFC 9110 has it."),
    _header("If-Range", "The ETag of what the client has the beginning of."),
    _header("If-None-Match", "The ETag of what the client has."),
    _header("If-Match", "The ETag that the file must have."),
)
_PARTLY = {
    206: Answer("The bytes asked for.", media=ANY_TYPE, headers=(*_FILE_HEADERS, "Content-Range")),
    304: Answer("The client has it."),
    412: Answer("It is another file."),
    416: Answer("There are no such bytes.", headers=("Content-Range",)),
}


def _file(path: str, summary: str, *identifiers: str) -> Route:
    whole = Answer("The file.", media=ANY_TYPE, headers=_FILE_HEADERS)
    parameters = (*map(_path, identifiers), *_CONDITIONS)
    return _get(path, summary, whole, 404, parameters=parameters, answers=_PARTLY)


def _standing(path: str, summary: str, kind: Any, *errors: int, **more: Any) -> Route:
    """What stands until the catalogue changes."""
    parameters = (*more.pop("parameters", ()), _header("If-None-Match", "The ETag it came with."))
    answer = Answer("What was asked for.", kind, JSON, ("ETag",))
    unchanged = {304: Answer("The client has it.", headers=("ETag",))}
    return _get(path, summary, answer, *errors, parameters=parameters, answers=unchanged, **more)


_TABLE = Route(
    method="GET",
    path="/rest/v1/{table}",
    summary="Rows of a table, as PostgREST has it; other parameters are conditions on columns.",
    answers={
        200: Answer("The rows, or the one row.", _ROWS, JSON, ("Content-Range",)),
        206: Answer("Fewer rows than were counted.", _ROWS, JSON, ("Content-Range",)),
        429: told(ErrorBody, "Too many requests."),
    },
    errors=(400, 404, 406, 416, 503),
    error=Refusal,
    parameters=(
        _path("table", {"type": "string", "enum": sorted(READABLE)}),
        _query("select", description="Columns, with commas between."),
        _query("order", description="`column.desc.nullslast`, with commas between."),
        _query("limit", _whole(0, _MOST_OFFSET, 1_000)),
        _query("offset", _whole(0, _MOST_OFFSET, 0)),
        _header("Prefer", "`count=exact` for the number of all rows."),
    ),
)

SYNCING = (
    _post(
        "/functions/v1/sync/changes",
        "What changed in versions, or in one package.",
        ChangesRequest,
        ChangesResponse,
        404,
        410,
        auth=Auth.OPTIONAL,
    ),
    _post(
        "/functions/v1/sync/upload",
        "Edits, each of which is judged.",
        UploadRequest,
        UploadResponse,
        401,
        403,
        409,
        auth=Auth.TOKEN,
        parameters=(
            _header("X-Client-Time", "What the sender's clock shows.", _INSTANT),
            _header("X-Client-Clock", "`synchronized` from who knows the time."),
        ),
    ),
    _post(
        "/functions/v1/sync/digest",
        "Counts and sums of row hashes, by ranges of ids.",
        DigestRequest,
        DigestResponse,
    ),
    _get(
        "/functions/v1/sync/version-status",
        "Whether a client's copy of a version is old.",
        told(VersionStatus),
        400,
        404,
        parameters=(*_SCOPE, _query("lastUpdated", _INSTANT)),
    ),
    _TABLE,
    _file("/functions/v1/media/{media_file_id}", "One chapter's audio.", "media_file_id"),
)
_EVENTS = _get(
    "/functions/v1/events",
    "How the hotspot is, and again whenever that changes.",
    Answer("Server-sent events.", media="text/event-stream"),
    parameters=(_header("Last-Event-ID", "The id of the last event that came."),),
)
WATCHING = (
    _get("/healthz", "Whether the server can serve.", told(Ready)),
    _get("/metrics", "Metrics for Prometheus.", Answer("Metrics.", media=CONTENT_TYPE)),
    Route(
        method="GET",
        path="/openapi.json",
        summary="This description.",
        answers={200: told(dict[str, Any])},
    ),
)
CATALOGUE = (
    _standing(
        "/functions/v1/catalogue",
        "What there is to choose from.",
        CatalogueSummary,
    ),
    _standing(
        "/functions/v1/packages",
        "The packages that can be had here.",
        PackageList,
        400,
        parameters=(
            _query("languageEntityId"),
            _query("packageType", {"type": "string", "enum": ["audio", "text", "combined"]}),
            *_PAGE,
        ),
    ),
    _standing(
        "/functions/v1/packages/{package_id}",
        "One package and its manifest.",
        PackageDetails,
        404,
        parameters=(_path("package_id"),),
    ),
    _file("/functions/v1/packages/{package_id}/download", "A package's file.", "package_id"),
    _get(
        "/functions/v1/packages/{package_id}/signatures/{of}",
        "A minisign signature of a package: `whole` or `head`.",
        Answer("The signature.", media="text/plain"),
        404,
        parameters=(_path("package_id"), _path("of")),
    ),
    _file(
        "/functions/v1/packages/{package_id}/books/{book_id}",
        "All audio of one book, as a ZIP archive.",
        "package_id",
        "book_id",
    ),
)
DECIDING = (
    _get(
        "/functions/v1/conflicts",
        "The conflicts that wait for a person.",
        told(KeptVersions),
        400,
        401,
        403,
        auth=Auth.TOKEN,
        parameters=_PAGE,
    ),
    _get(
        "/functions/v1/conflicts/{id}",
        "Both versions of a conflict.",
        told(KeptVersion),
        401,
        403,
        404,
        auth=Auth.TOKEN,
        parameters=(_path("id"),),
    ),
    _post(
        "/functions/v1/conflicts/{id}/keep",
        "Closes a conflict by what a person chose.",
        KeepRequest,
        KeptVersion,
        401,
        403,
        404,
        auth=Auth.TOKEN,
        parameters=(_path("id"),),
    ),
)
PAGES = (
    _get("/", "The packages, for people.", _HTML, 400, parameters=(_PAGE[1],)),
    _get(
        "/packages/{package_id}",
        "One package, for people.",
        _HTML,
        parameters=(_path("package_id"),),
        answers={404: _HTML},
    ),
    _get("/welcome", "The first page that a phone shows by itself.", _HTML),
    Route(
        method="GET",
        path="/welcome/enter",
        summary="Lets a phone know that it is online, and leads to the packages.",
        answers={302: Answer("To the packages.", headers=("Location",))},
    ),
    _get("/imports", "What sticks brought, for people.", _HTML),
    _get("/neighbours", "What hotspots near this one have, for people.", _HTML),
)
PHONES = (
    *SYNCING,
    *CATALOGUE,
    *DECIDING,
    *PAGES,
    *WATCHING,
    _EVENTS,
    _post(
        "/functions/v1/devices",
        "Pairs a phone by a short code.",
        PairRequest,
        PairResponse,
        403,
        status=201,
    ),
    _get("/functions/v1/sync/health", "What waits and what failed.", told(SyncHealth)),
)
"""What a hotspot answers."""
UPSTREAM = (
    *SYNCING,
    *WATCHING,
    _get("/functions/v1/sync/health", "How the hotspots are.", told(FleetSyncHealth)),
)
"""What the server answers."""
