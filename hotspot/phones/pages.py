"""The pages that a phone's browser shows: the list of packages, and one package."""

from aiohttp import web

from hotspot.http.catalogue import whole_number
from hotspot.model.catalogue import PackageQuery, PackageStore
from hotspot.model.wire import PackageInfo
from hotspot.phones.contents import NOTHING, read_manifest
from hotspot.phones.markup import Html
from hotspot.phones.views import POLICY, list_page, missing_page, package_page

PAGE_SIZE = 20


def routes(packages: PackageStore, title: str) -> list[web.RouteDef]:
    """The pages' routes; `title` is the hotspot's name."""
    pages = _Pages(packages, title)
    return [web.get("/", pages.list), web.get("/packages/{package_id}", pages.package)]


class _Pages:
    def __init__(self, packages: PackageStore, title: str) -> None:
        self._packages = packages
        self._title = title

    async def list(self, request: web.Request) -> web.StreamResponse:
        offset = whole_number(request, "offset", 0, 0, 2**31)
        query = PackageQuery(limit=PAGE_SIZE, offset=offset)
        infos, total = await self._packages.list_packages(query)
        shown = []
        for info in infos:
            stored = await self._packages.package(info.package_id)
            shown.append((info, read_manifest(stored.manifest) if stored else NOTHING))
        following = offset + len(infos)
        return html(list_page(self._title, shown, following if following < total else None))

    async def package(self, request: web.Request) -> web.StreamResponse:
        stored = await self._packages.package(request.match_info["package_id"])
        if stored is None:
            return html(missing_page(), 404)
        lacking = await self._lacking(stored.info)
        return html(package_page(stored.info, read_manifest(stored.manifest), lacking))

    async def _lacking(self, info: PackageInfo) -> set[str]:
        """The audio files that are damaged in the package, and not here from elsewhere."""
        if info.complete:
            return set()
        damaged = await self._packages.damaged_audio(info.package_id)
        return {one for one in damaged if await self._packages.audio(one) is None}


def html(page: Html, status: int = 200) -> web.Response:
    """A page as an answer."""
    return web.Response(
        text=page,
        status=status,
        content_type="text/html",
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"},
    )
