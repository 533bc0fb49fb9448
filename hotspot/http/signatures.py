"""The signature files that lie beside a package, for those who take the package on."""

import asyncio
from pathlib import Path

import aiohttp
from aiohttp import web

from hotspot.errors import NotFound
from hotspot.model.catalogue import PackageStore

WHOLE, HEAD = ".minisig", ".head.minisig"
SUFFIXES = (WHOLE, HEAD)
MOST_BYTES = 4096
TIMEOUT = aiohttp.ClientTimeout(total=10)
_NAMES = {"whole": WHOLE, "head": HEAD}


def routes(packages: PackageStore, folder: Path) -> list[web.RouteDef]:
    """The routes to mount. `folder`: where the packages' files lie."""

    async def signature(request: web.Request) -> web.StreamResponse:
        stored = await packages.package(request.match_info["package_id"])
        suffix = _NAMES.get(request.match_info["of"])
        if stored is None or suffix is None:
            raise NotFound("There is no such signature here.")
        path = folder / (stored.file_name + suffix)
        try:
            return web.Response(text=await asyncio.to_thread(path.read_text))
        except OSError:
            raise NotFound("There is no such signature here.") from None

    return [web.get("/functions/v1/packages/{package_id}/signatures/{of}", signature)]


async def fetch_beside(session: aiohttp.ClientSession, package_url: str, file: Path) -> None:
    """Writes the signatures that the server has of a package beside the package's `file`."""
    for name, suffix in _NAMES.items():
        url = f"{package_url}/signatures/{name}"
        async with session.get(url, timeout=TIMEOUT) as response:
            if response.status == 200:
                told = await response.content.read(MOST_BYTES)
                beside = file.with_name(file.name + suffix)
                await asyncio.to_thread(beside.write_bytes, told)
