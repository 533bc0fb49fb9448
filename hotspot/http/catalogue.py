"""The packages that are offered: the list, one package, its file, and the audio inside it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from aiohttp import web

from hotspot.errors import BadRequest, NotFound
from hotspot.http import media
from hotspot.http.files import FileSlice, send
from hotspot.http.opened import Files
from hotspot.http.standing import Located, Standing
from hotspot.http.traffic import sent
from hotspot.model.catalogue import PackageQuery, PackageStore, StoredPackage
from hotspot.model.wire import PackageDetails, PackageInfo, PackageList

MAX_LIMIT = 1_000
_MAX_OFFSET = 2**31
_TYPES = ("audio", "text", "combined")
_UNKNOWN_TYPE = "application/octet-stream"


OnDownload = Callable[[str], None]
"""Is told the id of a package whose file has gone out to its end."""


def routes(
    packages: PackageStore, folder: Path, on_download: OnDownload = lambda package_id: None
) -> list[web.RouteDef]:
    """The catalogue's routes. `folder` is where the stored packages' files lie."""
    catalogue = _Catalogue(packages, folder, on_download)
    return [
        web.get("/functions/v1/catalogue", catalogue.summary),
        web.get("/functions/v1/packages", catalogue.list_packages),
        web.get("/functions/v1/packages/{package_id}", catalogue.package),
        web.get("/functions/v1/packages/{package_id}/download", catalogue.download),
        *media.routes(Located(packages), folder),
    ]


def file_name(info: PackageInfo) -> str:
    """What a package is called where it is saved."""
    version = info.text_version_name or info.audio_version_name or info.package_id
    kind = f"{info.package_type} {info.package_version}"
    return f"{info.language_name} - {version} ({kind}).bible"


class _Catalogue:
    def __init__(self, packages: PackageStore, folder: Path, on_download: OnDownload) -> None:
        self._packages = packages
        self._folder = folder
        self._on_download = on_download
        self._files = Files()
        self._standing = Standing(lambda: packages.catalogue_revision)

    async def summary(self, request: web.Request) -> web.StreamResponse:
        return await self._standing.answer(request, self._packages.summary)

    async def list_packages(self, request: web.Request) -> web.StreamResponse:
        query = _query(request)
        return await self._standing.answer(request, partial(self._page, query))

    async def _page(self, query: PackageQuery) -> PackageList:
        revision = self._packages.catalogue_revision
        found, total = await self._packages.list_packages(query)
        following = query.offset + len(found)
        has_more = following < total
        return PackageList(
            packages=list(found),
            total=total,
            has_more=has_more,
            next_offset=following if has_more else None,
            revision=revision,
        )

    async def package(self, request: web.Request) -> web.StreamResponse:
        return await self._standing.answer(request, partial(self._details, request))

    async def _details(self, request: web.Request) -> PackageDetails:
        stored = await self._stored(request)
        return PackageDetails(
            **msgspec.structs.asdict(stored.info), manifest=msgspec.Raw(stored.manifest)
        )

    async def download(self, request: web.Request) -> web.StreamResponse:
        stored = await self._stored(request)
        if not stored.info.complete:
            raise NotFound("This package is damaged here, and is not offered as a file.")
        part = FileSlice(
            path=self._folder / stored.file_name,
            offset=0,
            size=stored.info.size_in_bytes,
            sha256=stored.info.sha256,
            content_type=_UNKNOWN_TYPE,
            name=file_name(stored.info),
        )
        response = await send(request, part, self._files)
        went = sent(request)
        if went.size and went.offset + went.size == part.size:
            self._on_download(stored.info.package_id)
        return response

    async def _stored(self, request: web.Request) -> StoredPackage:
        package_id = request.match_info["package_id"]
        stored = await self._packages.package(package_id)
        if stored is None:
            raise NotFound(f"There is no package {package_id[:80]!r} here.")
        return stored


def _query(request: web.Request) -> PackageQuery:
    package_type = request.query.get("packageType")
    if package_type is not None and package_type not in _TYPES:
        raise BadRequest(f"packageType is one of {', '.join(_TYPES)}.")
    return PackageQuery(
        language_entity_id=request.query.get("languageEntityId"),
        package_type=package_type,
        limit=whole_number(request, "limit", 100, 1, MAX_LIMIT),
        offset=whole_number(request, "offset", 0, 0, _MAX_OFFSET),
    )


def whole_number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """The query's whole number `name`. Raises BadRequest unless it is from `least` to `most`."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        raise BadRequest(f"{name} must be a whole number from {least} to {most}.")
    number = int(text)
    if not least <= number <= most:
        raise BadRequest(f"{name} must be a whole number from {least} to {most}.")
    return number
