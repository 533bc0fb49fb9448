"""Answers that stand for as long as the catalogue does: known again by a tag, coded once."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from hotspot import __version__
from hotspot.http.messages import GZIP_FROM, accepts_gzip
from hotspot.http.ranges import etag_matches
from hotspot.model.catalogue import PackageStore, StoredAudio

KEPT = 32
KEPT_BYTES = 64 * 1024
"""So many answers of at most so many bytes are kept: those that phones ask for again and again."""
LOCATED = 2_000
_LEVEL = 6

Make = Callable[[], Awaitable[msgspec.Struct]]


class Located:
    """`source`, asked once for each audio file until the catalogue changes."""

    def __init__(self, source: PackageStore) -> None:
        self._source = source
        self._revision = ""
        self._found: dict[str, StoredAudio] = {}

    async def audio(self, media_file_id: str) -> StoredAudio | None:
        revision = self._source.catalogue_revision
        if revision != self._revision or len(self._found) > LOCATED:
            self._revision, self._found = revision, {}
        known = self._found
        if (found := known.get(media_file_id)) is None:
            found = await self._source.audio(media_file_id)
            if found is not None:
                known[media_file_id] = found
        return found


@dataclass(frozen=True, slots=True)
class _Coded:
    """One answer as it is sent. `tag`: the state of the catalogue that it was made from."""

    tag: str
    body: bytes
    packed: bool


class Standing:
    """Answers about the catalogue, whose state `revision` names."""

    def __init__(self, revision: Callable[[], str]) -> None:
        self._revision = revision
        self._kept: dict[tuple[str, bool], _Coded] = {}

    async def answer(self, request: web.Request, make: Make) -> web.StreamResponse:
        """The answer that `make` makes; 304 where the client has it.

        Where it is kept, or the client has it, nothing is read. It is kept by its address.
        """
        tag = f'W/"{__version__}.{self._revision()}"'
        seen = request.headers.get("If-None-Match")
        if seen is not None and etag_matches(seen, tag.removeprefix("W/"), weak=True):
            return web.Response(status=304, headers=_headers(tag))
        key = (request.path_qs, accepts_gzip(request.headers.get("Accept-Encoding", "")))
        coded = self._kept.pop(key, None)
        if coded is None or coded.tag != tag:
            coded = await _coded(tag, await make(), gzipped=key[1])
        if len(coded.body) <= KEPT_BYTES:
            self._kept[key] = coded  # now the last in the dictionary's order
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        headers = _headers(tag) | ({"Content-Encoding": "gzip"} if coded.packed else {})
        return web.Response(body=coded.body, headers=headers, content_type="application/json")


async def _coded(tag: str, message: msgspec.Struct, *, gzipped: bool) -> _Coded:
    body = msgspec.json.encode(message)
    if not gzipped or len(body) <= GZIP_FROM:
        return _Coded(tag, body, packed=False)
    return _Coded(tag, await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0), packed=True)


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
